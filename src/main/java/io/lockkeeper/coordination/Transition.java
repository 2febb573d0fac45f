package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is to happen to the queue. Each is planned and executed as one transaction under the locks of the groups it is about. */
sealed interface Transition {

    record Acquire(AcquireRequest request) implements Transition {}

    record Heartbeat(LockProof proof) implements Transition {}

    record Release(LockProof proof, Report report) implements Transition {}

    /**
     * Leaves the queue, or asks the holder to stop.
     *
     * @param proof null when an admin cancels
     * @param reason ends up in the run's status reason or is told to the holder
     */
    record Cancel(RunId run, @Nullable LockProof proof, String reason) implements Transition {}

    /** Ends what is overdue in these groups and grants what can be granted. */
    record Sweep(Set<LockGroup> groups) implements Transition {}
}
