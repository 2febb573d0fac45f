package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.util.Set;

/**
 * What a committed transition changed that somebody may be waiting for.
 *
 * @param runs whose status changed
 * @param groups whose holder changed
 * @param waitingRunChanged whether one of the runs was waiting before: then clients of other replicas are rung too
 */
public record Wake(Set<RunId> runs, Set<LockGroup> groups, boolean waitingRunChanged) {
    public boolean isEmpty() {
        return runs.isEmpty() && groups.isEmpty();
    }
}
