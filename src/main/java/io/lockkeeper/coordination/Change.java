package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One write of a plan. A plan's changes are executed in order; each names exactly the state it was planned on, or the transaction fails. */
sealed interface Change {

    /** The first run of an environment makes it, and its lock group if need be. */
    record CreateEnvironment(Environment environment) implements Change {}

    /** A run that holds its locks from the start; its client is told at once, so its full lease begins. */
    record Start(NewRun run) implements Change {}

    record Enqueue(NewRun run) implements Change {}

    /** A run that people have to approve before it queues. */
    record AwaitApproval(NewRun run) implements Change {}

    /** A run that never joins the queue because {@code into} is to deploy its change. */
    record Skip(NewRun run, RunId into, boolean covered, SkipReason why, String reason) implements Change {}

    /** A queued run gets its locks; its client has the pick-up time to notice. */
    record GrantQueued(Run run, @Nullable Duration maxHold) implements Change {}

    record Renew(Run run) implements Change {}

    record RequestCancel(Run run, CancelCause cause, String reason) implements Change {}

    /**
     * The run is over.
     *
     * @param report what the client said, null when it said nothing
     * @param shippedSha what is live now, null unless it ended with success and named a sha
     */
    record End(
            Run run,
            RunStatus status,
            String reason,
            @Nullable Report report,
            @Nullable String shippedSha) implements Change {}

    /**
     * A queued run gives way to a newer one.
     *
     * @param by null for the run that this plan inserts
     */
    record Supersede(Run run, @Nullable RunId by) implements Change {}

    /** What {@code from} covered is covered by the run that this plan inserts. */
    record HandOverToInserted(RunId from) implements Change {}

    record Quarantine(EnvironmentName environment, RunId run, String reason) implements Change {}

    record EndQuarantine(EnvironmentName environment) implements Change {}

    record SetFreeze(
            EnvironmentName environment,
            String reason,
            @Nullable Instant until,
            String by) implements Change {}

    record LiftFreeze(EnvironmentName environment) implements Change {}

    record Approve(Run run, Actor by) implements Change {}

    /** The last approval is there: the run joins the queue. */
    record Admit(Run run) implements Change {}

    record Prioritize(Run run, boolean passesFreeze) implements Change {}

    /**
     * An environment has another policy.
     *
     * @param nextLockGroup where it is to move later; null when it stays in {@code lockGroup}
     */
    record SetPolicy(
            Transition.SetPolicy to,
            LockGroup lockGroup,
            @Nullable LockGroup nextLockGroup) implements Change {}

    /** An environment moves to the lock group that was declared for it. */
    record SetLockGroup(EnvironmentName environment, LockGroup lockGroup) implements Change {}

    /** The waiting runs of an environment follow it into another lock group. */
    record MoveClaims(EnvironmentName environment, LockGroup from, LockGroup to) implements Change {}

    /** The first of two admins wants a forced release. */
    record RequestForceRelease(Transition.ForceRelease request) implements Change {}

    /**
     * A line of the audit trail.
     *
     * @param before what the action changed, as it was
     */
    record Audit(
            String action,
            List<EnvironmentName> environments,
            @Nullable RunId run,
            Actor actor,
            Map<String, String> before,
            Map<String, String> after)
            implements Change {}

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
    record NewRun(
            AcquireRequest request,
            Duration lease,
            Duration queueTimeout,
            @Nullable Duration maxHold,
            int approvalsRequired,
            Duration approvalTimeout) {}
}
