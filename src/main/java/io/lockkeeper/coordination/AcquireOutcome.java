package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

    /** Fail-fast found a freeze or a quarantine. No run was made. */
    record HeldBackNow(Blocker blocker) implements AcquireOutcome {}

    /** Fail-fast, but people have to approve first. No run was made. */
    record ApprovalRequired(int required) implements AcquireOutcome {}

    /**
     * The sha may not be deployed there. No run was made.
     *
     * @param promotable what may, null when nothing was deployed yet where it has to come from
     */
    record PromotionRequired(
            EnvironmentName environment,
            EnvironmentName from,
            @Nullable String promotable) implements AcquireOutcome {}

    /** There are no such environments, and acquiring does not make them. No run was made. */
    record EnvironmentsUnknown(List<EnvironmentName> environments) implements AcquireOutcome {}

    /** The key was used before for the same request: here is its run as it is now. */
    record Replayed(RunReport report) implements AcquireOutcome {}

    /** The key was used before for another request. No run was made. */
    record KeyReused(RunId run) implements AcquireOutcome {}
}
