package io.lockkeeper.web;

import io.lockkeeper.coordination.Blocker;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.web.RunAnswer.BlockerView;
import io.lockkeeper.web.RunAnswer.HolderView;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The refusals of the run calls, each saying what to do now. */
final class RunProblems {
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

    static ProblemException keyReused(RunId run) {
        return Problem.of(
                        ProblemType.IDEMPOTENCY_KEY_REUSED,
                        "This Idempotency-Key made run " + run
                                + " with another request. Repeat that request unchanged, or use a new key for a new one.")
                .with("field", IdempotencyKey.HEADER)
                .with("run_id", run.value())
                .asException();
    }

    static ProblemException unknown(RunId run) {
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

    static ProblemException proofInvalid(RunId run) {
        return Problem.of(
                        ProblemType.LOCK_TOKEN_INVALID,
                        "The Lock-Token is not that of run " + run
                                + ", or not of a run in this environment. Send the lock_token that acquire answered.")
                .with("field", Requests.LOCK_TOKEN)
                .asException();
    }

    static ProblemException tooManyWaiting() {
        return Problem.of(
                        ProblemType.TOO_MANY_WAITING,
                        "This replica has as many waiting calls as it takes. Ask again after Retry-After seconds; the run keeps its"
                                + " place meanwhile.")
                .retryAfter(Duration.ofSeconds(5))
                .asException();
    }

    static ProblemException refused(RunOutcome outcome) {
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
