package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How things stand in an environment, in numbers. Queue and lock are those of its lock group.
 *
 * @param pending how many runs are queued or hold the lock
 * @param oldestWaitSeconds for how long the run has been queued that was queued first; 0 when none is
 * @param heldSeconds for how long the lock has been held; 0 when it is free
 * @param skipRatio of the runs that ended within {@link FiguresReader#SKIP_WINDOW} the part that was skipped, 0 to 1; 0 when none ended
 * @param undeployedShas of skipped runs, that no run is to deploy any more and none has
 * @param pendingTiers of its own pending runs, as their callers wrote them; with null in it when one has none
 */
public record Figures(
        EnvironmentName environment,
        int pending,
        double oldestWaitSeconds,
        double heldSeconds,
        double skipRatio,
        int undeployedShas,
        boolean isFrozen,
        boolean isQuarantined,
        Set<@Nullable String> pendingTiers) {}
