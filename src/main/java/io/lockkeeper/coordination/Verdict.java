package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the planner answers, before the database has given numbers to what is new. */
sealed interface Verdict {

    /**
     * The run holds its locks.
     *
     * @param created the environments that this run made
     */
    record Started(List<EnvironmentName> created) implements Verdict {}

    record Queued(List<EnvironmentName> created) implements Verdict {}

    record Skipped(Run into) implements Verdict {}

    /**
     * Fail-fast found the locks taken.
     *
     * @param inTheWay holders first, then whoever is ahead
     */
    record Held(List<Run> inTheWay) implements Verdict {}

    /** The environments do not exist, and acquiring does not make them. */
    record EnvironmentsUnknown(List<EnvironmentName> environments) implements Verdict {}

    /** Fail-fast found a freeze or a quarantine. */
    record HeldBackNow(HeldBack why) implements Verdict {}

    /** Fail-fast, but people have to approve first. */
    record ApprovalRequired(int required) implements Verdict {}

    /** The sha is not what was last deployed with success where it has to come from. */
    record PromotionRequired(Environment environment) implements Verdict {}

    /** The key's run exists already. */
    record Replayed(Run run) implements Verdict {}

    record KeyReused(Run run) implements Verdict {}

    record Renewed(Run run) implements Verdict {}

    record Ended(Run run) implements Verdict {}

    /** Nothing was left to do: the run had ended as its client wished. */
    record AlreadyEnded(Run run) implements Verdict {}

    record CancelRequested(Run run) implements Verdict {}

    record LeaseLost(Run run, @Nullable Run holder) implements Verdict {}

    /** The run waits, or never was to hold a lock. */
    record NotGranted(Run run) implements Verdict {}

    /** Who holds the environment's lock; null when nobody does. */
    record HeldBy(@Nullable Run holder) implements Verdict {}

    record RunUnknown() implements Verdict {}

    /** Done, or it was so already. */
    record EnvironmentChanged() implements Verdict {}

    record DeclaredInConfiguration() implements Verdict {}

    /** The lock group cannot be changed now. */
    record GroupIsHeld(Run holder) implements Verdict {}

    /** The freeze would end before it begins, or too late. */
    record FreezeEndImpossible() implements Verdict {}

    record NotFrozen() implements Verdict {}

    record NotQuarantined() implements Verdict {}

    record NotHeld() implements Verdict {}

    record HolderChanged(Run holder) implements Verdict {}

    record HolderAlive(Run holder) implements Verdict {}

    /** The holder's run is also in environments of which the actor is no admin. */
    record NotAdminOfHolder(Run holder) implements Verdict {}

    /** The environment is protected: another admin has to ask for the same. */
    record SecondAdminNeeded(Run holder) implements Verdict {}

    record Approved(Run run, int given) implements Verdict {}

    record OwnRun(Run run) implements Verdict {}

    record NotAnApprover(Run run) implements Verdict {}

    /** The run does not wait, or not for this. */
    record NotWaiting(Run run) implements Verdict {}

    record Prioritized(Run run) implements Verdict {}

    record ProofInvalid() implements Verdict {}

    /**
     * A sweep is through.
     *
     * @param ended how many runs were overdue, and
     *
     * @param granted how many took their place
     */
    record Swept(Set<LockGroup> groups, int ended, int granted) implements Verdict {}
}
