package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.util.List;

/** What an acquire comes to. Only {@link Granted} permits a deployment. */
public sealed interface AcquireOutcome {

    /**
     * The run holds its locks and its lease has begun.
     *
     * @param created environments that did not exist before
     */
    record Granted(RunReport report, List<EnvironmentName> created) implements AcquireOutcome {}

    /** The run is in the queue: wait on it. */
    record Queued(RunReport report, List<EnvironmentName> created) implements AcquireOutcome {}

    /** Another run is to deploy the change; nothing to do. */
    record Skipped(RunReport report) implements AcquireOutcome {}

    /** Fail-fast found the locks taken. No run was made. */
    record Held(List<Blocker> blockers) implements AcquireOutcome {}

    /** The key was used before for the same request: here is its run as it is now. */
    record Replayed(RunReport report) implements AcquireOutcome {}

    /** The key was used before for another request. No run was made. */
    record KeyReused(RunId run) implements AcquireOutcome {}
}
