package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/** What a call about one run comes to. Each call lists which of these it can answer. */
public sealed interface RunOutcome {

    /** Heartbeat: the lease now ends later. */
    record Renewed(Run run) implements RunOutcome {}

    /** Release, cancel: the run has ended as its client wished, now or before. */
    record Ended(Run run) implements RunOutcome {}

    /** Cancel: the holder is asked to stop and learns it at its next heartbeat. */
    record CancelRequested(Run run) implements RunOutcome {}

    /**
     * Heartbeat, release: the lock is not the run's any more. Stop deploying.
     *
     * @param holder who has it now, null when nobody
     */
    record LeaseLost(Run run, Blocker.@Nullable Holder holder) implements RunOutcome {}

    /** Heartbeat, release: the run waits, or was skipped. Only a granted run can do this. */
    record NotGranted(Run run) implements RunOutcome {}

    /** There is no such run. */
    record Unknown(RunId run) implements RunOutcome {}

    /** The lock token is not this run's. */
    record ProofInvalid(RunId run) implements RunOutcome {}
}
