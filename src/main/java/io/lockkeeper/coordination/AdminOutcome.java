package io.lockkeeper.coordination;

/** What an admin's action comes to. Each call lists which of these it can answer. */
public sealed interface AdminOutcome {

    /** Done, or it was so already. */
    record Done() implements AdminOutcome {}

    /** The configuration says what the environment's policy is. */
    record DeclaredInConfiguration() implements AdminOutcome {}

    /** The lock group cannot be changed while the environment's lock is held. */
    record GroupIsHeld(Blocker.Holder holder) implements AdminOutcome {}

    /** The freeze would end before it begins, or too late. */
    record FreezeEndImpossible() implements AdminOutcome {}

    record NotFrozen() implements AdminOutcome {}

    record NotQuarantined() implements AdminOutcome {}

    /** Nobody holds the lock. */
    record NotHeld() implements AdminOutcome {}

    /** Another grant holds the lock than the one that was seen. */
    record HolderChanged(Blocker.Holder holder, FencingToken fencingToken) implements AdminOutcome {}

    /** The holder's client was heard a moment ago. */
    record HolderAlive(Blocker.Holder holder, Run run) implements AdminOutcome {}

    /** The holder's run is also in environments of which the actor is no admin. */
    record NotAdminOfHolder(Blocker.Holder holder) implements AdminOutcome {}

    /** Noted; another admin has to ask for the same. */
    record SecondAdminNeeded(Blocker.Holder holder) implements AdminOutcome {}

    /** The run's lock was taken away, or the run was rejected. */
    record Ended(Run run) implements AdminOutcome {}

    /**
     * The approval counts.
     *
     * @param given how many there are now
     */
    record Approved(Run run, int given) implements AdminOutcome {}

    record Prioritized(Run run) implements AdminOutcome {}

    /** Nobody approves their own run. */
    record OwnRun(Run run) implements AdminOutcome {}

    record NotAnApprover(Run run) implements AdminOutcome {}

    /** The run does not wait, or not for this. */
    record NotWaiting(Run run) implements AdminOutcome {}

    /** There is no such run. */
    record RunUnknown(RunId run) implements AdminOutcome {}
}
