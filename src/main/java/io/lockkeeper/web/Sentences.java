package io.lockkeeper.web;

import io.lockkeeper.coordination.Batch;
import io.lockkeeper.coordination.Deploy;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.Standing;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.web.RunAnswer.ApprovalView;
import io.lockkeeper.web.RunAnswer.BlockerView;
import io.lockkeeper.web.RunAnswer.FreezeView;
import io.lockkeeper.web.RunAnswer.HolderView;
import io.lockkeeper.web.RunAnswer.QuarantineView;
import io.lockkeeper.web.RunAnswer.QueueView;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the answers say to people. One line each. */
final class Sentences {
    private Sentences() {}

    static String granted(Run run, Deploy deploy) {
        if (run.requireGrant().cancelRequested()) {
            return "Run " + run.id() + " is asked to stop deploying " + places(run.environments())
                    + " and to release as cancelled.";
        }
        String what = deploy.sha() == null ? "" : " with " + deploy.sha();
        String also = deploy.includes().isEmpty()
                ? ""
                : ", which includes "
                        + count(deploy.includes().size(), "skipped run")
                        + " ("
                        + deploy.includes().stream()
                                .map(included -> included.id().toString())
                                .collect(Collectors.joining(", "))
                        + ")";
        return "Run " + run.id() + " may deploy " + places(run.environments()) + what + also + ".";
    }

    static String queued(Run run, Standing standing) {
        List<BlockerView> blockers =
                standing.blockers().stream().map(BlockerView::of).toList();
        String why = blockedBy(blockers);
        return "Run " + run.id() + " waits for " + places(run.environments()) + " at position " + standing.position()
                + (why == null ? "" : ", blocked by " + why)
                + (standing.eta() == null ? "" : "; " + toGo(standing.eta()) + ", by past deployments")
                + ".";
    }

    static String skipped(Run run) {
        Batch batch = Objects.requireNonNull(run.batch());
        if (batch.shippedBy() != null) {
            return "Run " + run.id() + " was skipped, and run " + batch.shippedBy() + " shipped its change.";
        }
        if (batch.covered()) {
            return "Run " + run.id() + " was skipped: run " + batch.into() + " in the queue will deploy its change.";
        }
        return "Run " + run.id() + " was skipped in favour of run " + batch.into()
                + ", which is pinned to its own sha or has ended without success; the change stays listed as undeployed until a"
                + " deployment of its sha succeeds.";
    }

    static String ended(Run run) {
        return "Run " + run.id() + " has ended as " + run.status().label() + ": " + run.statusReason() + ".";
    }

    /** Holders first, then how many are ahead; null when nobody is in the way. */
    static @Nullable String blockedBy(List<BlockerView> blockers) {
        String text = blockers.stream()
                .map(blocker -> switch (blocker) {
                    case HolderView holder -> holder(holder);
                    case QueueView queue -> count(queue.ahead(), "queued run") + " ahead";
                    case FreezeView freeze -> frozen(freeze);
                    case QuarantineView quarantine ->
                        "the quarantine of " + quarantine.environment() + " (" + quarantine.reason() + ")";
                    case ApprovalView approval ->
                        count(approval.required() - approval.given(), "missing approval") + " of "
                                + approval.required();
                })
                .distinct()
                .collect(Collectors.joining("; "));
        return text.isEmpty() ? null : text;
    }

    static String frozen(FreezeView freeze) {
        return (freeze.by() == null ? "the recurring freeze of " : "the freeze of ")
                + (freeze.everywhere() ? "all environments" : freeze.environment())
                + (freeze.until() == null ? "" : " until " + freeze.until().truncatedTo(ChronoUnit.SECONDS))
                + (freeze.by() == null ? "" : " by " + freeze.by())
                + " (" + freeze.reason() + ")";
    }

    static String holder(HolderView holder) {
        return "run " + holder.runId()
                + (holder.user() == null ? "" : " (" + holder.user() + ")")
                + " in " + String.join(", ", holder.environments())
                + " since " + holder.since().truncatedTo(ChronoUnit.SECONDS)
                + (holder.runUrl() == null ? "" : ", " + holder.runUrl());
    }

    static String places(List<EnvironmentName> environments) {
        return environments.stream().map(EnvironmentName::value).collect(Collectors.joining(", "));
    }

    static String count(int number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    /** The estimate of a wait. */
    static String toGo(Duration estimate) {
        return estimate.toSeconds() <= 0 ? "any moment now" : "about " + duration(estimate) + " to go";
    }

    /** In the unit that a person would use. */
    static String duration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 90) {
            return seconds + " s";
        }
        return seconds < 5400 ? Math.round(seconds / 60.0) + " min" : Math.round(seconds / 360.0) / 10.0 + " h";
    }
}
