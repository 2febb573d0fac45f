package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a committed transition has done.
 *
 * @param at when, by the database's clock
 * @param created environments that did not exist before
 * @param runs those that it made or changed, each once, as it was and as it is: a run that was queued and granted in one is granted
 * @param acts what it wrote into the audit trail
 * @param refusal why it made no run, null unless it was an acquire that was refused; what was overdue may have ended all the same
 */
public record Effects(
        Instant at,
        List<EnvironmentName> created,
        List<RunChange> runs,
        List<Act> acts,
        @Nullable Refusal refusal) {

    /** Whom the service itself is called where nobody else is the actor. */
    static final Actor LOCKKEEPER = new Actor("lockkeeper", null);

    /**
     * What somebody did beside deploying.
     *
     * @param action as the audit trail names it, such as {@code frozen}
     * @param run the run it is about, null for none and for one that this very transition made
     */
    public record Act(
            String action,
            List<EnvironmentName> environments,
            @Nullable RunId run,
            Actor by) {}

    static Effects of(Execution.Committed committed) {
        Transition transition = committed.transition();
        Snapshot before = committed.snapshot();
        ChangeWriter after = committed.after();
        RunId subject = subject(committed.verdict()).map(Run::id).orElse(null);
        List<RunChange> runs = new ArrayList<>();
        if (after.hasInserted() && transition instanceof Transition.Acquire acquire) {
            runs.add(new RunChange(
                    null,
                    after.inserted(),
                    new Actor(
                            acquire.request().caller(),
                            acquire.request().details().reason())));
        }
        for (Run run : after.written()) {
            Run was = before.run(run.id()).orElseThrow();
            runs.add(new RunChange(was, run, run.id().equals(subject) ? actor(transition, run) : LOCKKEEPER));
        }
        List<EnvironmentName> created = new ArrayList<>();
        List<Act> acts = new ArrayList<>();
        for (Change change : committed.changes()) {
            switch (change) {
                case Change.CreateEnvironment create ->
                    created.add(create.environment().name());
                case Change.Audit audit -> acts.add(act(audit));
                default -> {}
            }
        }
        return new Effects(
                before.at(),
                List.copyOf(created),
                List.copyOf(runs),
                List.copyOf(acts),
                transition instanceof Transition.Acquire acquire
                        ? Refusal.of(acquire.request(), before, committed.verdict())
                                .orElse(null)
                        : null);
    }

    /** What was done to all environments at once. */
    static Effects of(Instant at, Change.Audit audit) {
        return new Effects(at, List.of(), List.of(), List.of(act(audit)), null);
    }

    private static Act act(Change.Audit audit) {
        return new Act(audit.action(), audit.environments(), audit.run(), audit.actor());
    }

    boolean isNothing() {
        return created.isEmpty() && runs.isEmpty() && acts.isEmpty() && refusal == null;
    }

    /** The run that the transition was meant to change, and did. All others are changed by rule. */
    private static Optional<Run> subject(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Ended ended -> Optional.of(ended.run());
            case Verdict.Renewed renewed -> Optional.of(renewed.run());
            case Verdict.CancelRequested asked -> Optional.of(asked.run());
            case Verdict.Approved approved -> Optional.of(approved.run());
            case Verdict.Prioritized prioritized -> Optional.of(prioritized.run());
            default -> Optional.empty();
        };
    }

    private static Actor actor(Transition transition, Run subject) {
        return switch (transition) {
            case Transition.Cancel cancel when cancel.admin() != null -> cancel.admin();
            case Transition.OfEnvironment admin -> admin.actor();
            case Transition.Approve approve -> approve.actor();
            case Transition.Reject reject -> reject.actor();
            case Transition.Prioritize prioritize -> prioritize.actor();
            // Its client, or whoever else was given its lock token.
            default -> new Actor(subject.caller(), null);
        };
    }
}
