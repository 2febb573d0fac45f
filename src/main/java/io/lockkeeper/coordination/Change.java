package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One write of a plan. A plan's changes are executed in order; each names exactly the state it was planned on, or the transaction fails. */
sealed interface Change {

    /** The first run of an environment makes it, and its lock group if need be. */
    record CreateEnvironment(Environment environment) implements Change {}

    /** A run that holds its locks from the start; its client is told at once, so its full lease begins. */
    record Start(NewRun run) implements Change {}

    record Enqueue(NewRun run) implements Change {}

    /** A run that never joins the queue because {@code into} is to deploy its change. */
    record Skip(NewRun run, RunId into, boolean covered, String reason) implements Change {}

    /** A queued run gets its locks; its client has the pick-up time to notice. */
    record GrantQueued(Run run) implements Change {}

    record Renew(Run run) implements Change {}

    record RequestCancel(Run run) implements Change {}

    /**
     * The run is over.
     *
     * @param report what the client said, null when it said nothing
     */
    record End(
            Run run,
            RunStatus status,
            String reason,
            @Nullable Report report) implements Change {}

    /** What the client of an ended run said too late. */
    record KeepReport(Run run, Report report) implements Change {}

    /** What {@code from} covered is covered by {@code to} from now on, or by nobody: then it is undeployed. */
    record HandOver(RunId from, @Nullable RunId to) implements Change {}

    /**
     * These skipped runs were shipped by {@code by}, and so was every skipped run of its environments and repository with the deployed sha.
     *
     * @param runs what it covered and deployed
     * @param deployedSha null when unknown
     */
    record Ship(Run by, List<RunId> runs, @Nullable String deployedSha) implements Change {}

    /** A request as it is stored. */
    record NewRun(AcquireRequest request, Duration lease, Duration queueTimeout) {}
}
