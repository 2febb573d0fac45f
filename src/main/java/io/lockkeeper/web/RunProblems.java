package io.lockkeeper.web;

import io.lockkeeper.coordination.AcquireOutcome;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Blocker;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.notify.WaitingBound;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.RunAnswer.BlockerView;
import io.lockkeeper.web.RunAnswer.HolderView;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The refusals of the run calls, each saying what to do now. */
public final class RunProblems {
    private RunProblems() {}

    static ProblemException held(List<String> environments, List<Blocker> blockers) {
        List<BlockerView> views = blockers.stream().map(BlockerView::of).toList();
        HolderView holder = views.stream()
                .filter(HolderView.class::isInstance)
                .map(HolderView.class::cast)
                .findFirst()
                .orElse(null);
        return Problem.of(
                        ProblemType.LOCK_HELD,
                        String.join(", ", environments) + " is taken by " + Sentences.blockedBy(views)
                                + ". Try again later, or acquire with mode wait to queue.")
                .with("holder", holder)
                .with("blockers", views)
                .asException();
    }

    static ProblemException heldBack(Blocker blocker) {
        BlockerView view = BlockerView.of(blocker);
        ProblemType type = blocker instanceof Blocker.Quarantined ? ProblemType.QUARANTINED : ProblemType.FROZEN;
        return Problem.of(
                        type,
                        "Nothing is granted now because of " + Sentences.blockedBy(List.of(view))
                                + (type == ProblemType.QUARANTINED
                                        ? ". An admin acknowledges it when the environment is well; a run of high priority passes."
                                        : ". Try again later, or acquire with mode wait to queue."))
                .with("blockers", List.of(view))
                .asException();
    }

    static ProblemException approvalRequired(int required) {
        return Problem.of(
                        ProblemType.APPROVAL_REQUIRED,
                        "The run needs " + Sentences.count(required, "approval")
                                + " before it may queue. Acquire with mode wait, and have it approved.")
                .with("approvals_required", required)
                .asException();
    }

    static ProblemException promotionRequired(AcquireOutcome.PromotionRequired promotion) {
        String promotable = promotion.promotable();
        return Problem.of(
                        ProblemType.PROMOTION_REQUIRED,
                        promotion.environment() + " takes only what was last deployed to " + promotion.from()
                                + " with success"
                                + (promotable == null
                                        ? ", and nothing was yet. Deploy there first."
                                        : ". Acquire with sha " + promotable
                                                + ", or deploy yours there first. To go back to a sha that succeeded here before,"
                                                + " acquire with priority high."))
                .with("environment", promotion.environment().value())
                .with("promote_from", promotion.from().value())
                .with("promotable_sha", promotable)
                .asException();
    }

    public static ProblemException refused(AdminOutcome outcome, String environment) {
        return switch (outcome) {
            case AdminOutcome.DeclaredInConfiguration _ ->
                Problem.of(
                                ProblemType.DECLARED_IN_CONFIGURATION,
                                "The policy of " + environment
                                        + " is declared in the service's configuration, under lockkeeper.environments."
                                        + environment + ". Change it there and restart the service.")
                        .with("environment", environment)
                        .asException();
            case AdminOutcome.GroupIsHeld held ->
                lockHeld(
                        environment + " cannot move to another lock group while its lock is held by "
                                + Sentences.holder(HolderView.of(held.holder()))
                                + ". Try again when that run has ended; a freeze keeps the next one out meanwhile.",
                        held.holder());
            case AdminOutcome.FreezeEndImpossible _ ->
                Problem.invalidField(
                                "until",
                                "until must be in the future and within a year; without it somebody lifts the freeze.")
                        .asException();
            case AdminOutcome.NotHeld _ ->
                Problem.of(
                                ProblemType.NOT_HELD,
                                "Nobody holds the lock of " + environment + " now. There is nothing to release.")
                        .asException();
            case AdminOutcome.HolderChanged changed ->
                Problem.of(
                                ProblemType.HOLDER_CHANGED,
                                environment + " is held by " + Sentences.holder(HolderView.of(changed.holder()))
                                        + " with fencing token " + changed.fencingToken()
                                        + " now. Look at the status again before you decide.")
                        .with("holder", HolderView.of(changed.holder()))
                        .with("fencing_token", changed.fencingToken().value())
                        .asException();
            case AdminOutcome.HolderAlive alive ->
                Problem.of(
                                ProblemType.HOLDER_ALIVE,
                                "The client of " + Sentences.holder(HolderView.of(alive.holder())) + " was heard at "
                                        + alive.run().lastContactAt().truncatedTo(ChronoUnit.SECONDS)
                                        + ". Cancel the run to have it stop by itself, or repeat with even_if_alive true to take the"
                                        + " lock away from a running deployment.")
                        .with("holder", HolderView.of(alive.holder()))
                        .with("last_contact", alive.run().lastContactAt())
                        .asException();
            case AdminOutcome.NotAdminOfHolder not ->
                Problem.of(
                                ProblemType.FORBIDDEN,
                                "The lock is held by " + Sentences.holder(HolderView.of(not.holder()))
                                        + ". This takes a token with the role admin for all of these environments. Nothing was released.")
                        .with("holder", HolderView.of(not.holder()))
                        .asException();
            case AdminOutcome.OwnRun own ->
                Problem.of(
                                ProblemType.OWN_RUN,
                                "Run " + own.run().id() + " is your own. Have somebody else approve it.")
                        .asException();
            case AdminOutcome.NotAnApprover not ->
                Problem.of(
                                ProblemType.FORBIDDEN,
                                "You may not decide about run " + not.run().id() + ". Ask an approver of "
                                        + Sentences.places(not.run().environments()) + ", or an admin.")
                        .asException();
            case AdminOutcome.NotWaiting not ->
                Problem.of(
                                ProblemType.NOT_WAITING,
                                "Run " + not.run().id() + " is "
                                        + not.run().status().label() + ". There is nothing left to decide.")
                        .with("run_status", not.run().status().label())
                        .asException();
            case AdminOutcome.RunUnknown unknown ->
                unknown(Objects.requireNonNull(unknown.run(), "the run was asked for by its number"));
            case AdminOutcome.Done _,
                    AdminOutcome.NotFrozen _,
                    AdminOutcome.NotQuarantined _,
                    AdminOutcome.SecondAdminNeeded _,
                    AdminOutcome.Ended _,
                    AdminOutcome.Approved _,
                    AdminOutcome.Prioritized _ -> throw new IllegalStateException("not a refusal: " + outcome);
        };
    }

    /** What waits must not happen while this run holds the lock. */
    public static ProblemException taken(EnvironmentName environment, Run run, String consequence) {
        Blocker.Holder holder = Blocker.Holder.of(run.lockGroups().iterator().next(), run);
        return lockHeld(
                environment + " is held by " + Sentences.holder(HolderView.of(holder)) + ". " + consequence
                        + " Try again when that run has ended.",
                holder);
    }

    /** A state that does not come from the holder of the lock. */
    public static ProblemException stateNotLocked(String detail, Blocker.@Nullable Holder holder) {
        return Problem.of(ProblemType.STATE_NOT_LOCKED, detail)
                .with("holder", holder == null ? null : HolderView.of(holder))
                .asException();
    }

    public static ProblemException forbidden(Caller caller, Role role, String environment) {
        return SecurityProblems.forbidden(caller.name(), role, environment).asException();
    }

    /** What is in the way, in words; null when nothing is. */
    public static @Nullable String inTheWay(List<Blocker> blockers) {
        return Sentences.blockedBy(blockers.stream().map(BlockerView::of).toList());
    }

    private static ProblemException lockHeld(String detail, Blocker.Holder holder) {
        return Problem.of(ProblemType.LOCK_HELD, detail)
                .with("holder", HolderView.of(holder))
                .asException();
    }

    public static ProblemException keyReused(RunId run) {
        return Problem.of(
                        ProblemType.IDEMPOTENCY_KEY_REUSED,
                        "This Idempotency-Key made run " + run
                                + " with another request. Repeat that request unchanged, or use a new key for a new one.")
                .with("field", IdempotencyKey.HEADER)
                .with("run_id", run.value())
                .asException();
    }

    public static ProblemException unknown(RunId run) {
        return Problem.of(
                        ProblemType.RUN_UNKNOWN,
                        "There is no run " + run + ". Check the number; acquire answers it as run.id.")
                .asException();
    }

    static ProblemException proofMissing() {
        return Problem.of(
                        ProblemType.LOCK_TOKEN_INVALID,
                        "Send the header Lock-Token with the lock_token that acquire answered.")
                .with("field", Requests.LOCK_TOKEN)
                .asException();
    }

    static ProblemException proofMalformed() {
        return Problem.of(
                        ProblemType.LOCK_TOKEN_INVALID,
                        "The Lock-Token is damaged. Send the whole lock_token that acquire answered.")
                .with("field", Requests.LOCK_TOKEN)
                .asException();
    }

    static ProblemException proofInvalid(RunId run) {
        return Problem.of(
                        ProblemType.LOCK_TOKEN_INVALID,
                        "The Lock-Token is not that of run " + run
                                + ", or not of a run in this environment. Send the lock_token that acquire answered.")
                .with("field", Requests.LOCK_TOKEN)
                .asException();
    }

    public static ProblemException tooManyWaiting(WaitingBound bound) {
        return Problem.of(
                        ProblemType.TOO_MANY_WAITING,
                        switch (bound) {
                                    case REPLICA -> "This replica has as many waiting calls as it takes.";
                                    case CALLER ->
                                        "This replica has as many waiting calls of yours as it takes of one caller.";
                                }
                                + " Ask again after Retry-After seconds; a run keeps its place meanwhile.")
                .retryAfter(Duration.ofSeconds(5))
                .asException();
    }

    public static ProblemException refused(RunOutcome outcome) {
        return switch (outcome) {
            case RunOutcome.LeaseLost lost -> leaseLost(lost.run(), lost.holder());
            case RunOutcome.NotGranted waiting -> notGranted(waiting.run());
            case RunOutcome.Unknown unknown -> unknown(unknown.run());
            case RunOutcome.ProofInvalid invalid -> proofInvalid(invalid.run());
            case RunOutcome.Renewed _, RunOutcome.Ended _, RunOutcome.CancelRequested _ ->
                throw new IllegalStateException("not a refusal: " + outcome);
        };
    }

    private static ProblemException leaseLost(Run run, Blocker.@Nullable Holder holder) {
        HolderView view = holder == null ? null : HolderView.of(holder);
        return Problem.of(
                        ProblemType.LEASE_LOST,
                        "Run " + run.id() + " has ended as " + run.status().label() + ": " + run.statusReason()
                                + ". Stop deploying; the lock is "
                                + (view == null ? "free" : "held by " + Sentences.holder(view))
                                + ".")
                .with("run_status", run.status().label())
                .with("holder", view)
                .asException();
    }

    private static ProblemException notGranted(Run run) {
        return Problem.of(
                        ProblemType.NOT_GRANTED,
                        "Run " + run.id() + " is " + run.status().label() + " and does not hold the lock. "
                                + (run.status().isWaiting()
                                        ? "Wait with GET /api/runs/" + run.id()
                                                + "?wait_seconds=30 until its outcome is granted;"
                                                + " release it as cancelled to leave the queue."
                                        : "It never will; acquire again if the change is to be deployed."))
                .with("run_status", run.status().label())
                .asException();
    }
}
