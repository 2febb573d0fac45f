package io.lockkeeper.logging;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.Effects;
import io.lockkeeper.coordination.Grant;
import io.lockkeeper.coordination.Refusal;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunChange;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.coordination.TransitionObserver;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;
import org.springframework.stereotype.Component;

/**
 * Logs one line for each change of a run and for each deed of an admin. The sentence is for people; the same facts are key-value pairs for the
 * structured formats. Whatever a caller said in it is one line without control characters: the web edge accepts no other.
 */
@Component
class TransitionLog implements TransitionObserver {
    private static final Logger LOG = LoggerFactory.getLogger(TransitionLog.class);

    @Override
    public void committed(Effects effects) {
        effects.runs().forEach(change -> log(change, effects.at()));
        effects.acts().stream()
                .filter(act -> effects.runs().stream().noneMatch(change -> tellsOf(change, act)))
                .forEach(act -> log(act, effects.at()));
        if (effects.refusal() != null) {
            log(effects.refusal(), effects.at());
        }
    }

    /** Whether the line of the run says already what the admin did. */
    private static boolean tellsOf(RunChange change, Effects.Act act) {
        return (change.changedStatus() || change.asksToStop())
                && change.after().id().equals(act.run())
                && change.by().equals(act.by());
    }

    private static void log(RunChange change, Instant at) {
        Run run = change.after();
        if (!change.changedStatus() && !change.asksToStop()) {
            // Mostly heartbeats, of which there are many.
            line(Level.DEBUG, "renewed", at, run.environments(), change.by())
                    .addKeyValue("lockkeeper.run_id", run.id().value())
                    .log("renewed {}", name(run));
            return;
        }
        LoggingEventBuilder line = line(Level.INFO, action(change), at, run.environments(), change.by())
                .addKeyValue("lockkeeper.run_id", run.id().value())
                .addKeyValue(
                        "lockkeeper.lock_groups",
                        run.lockGroups().stream().map(LockGroup::name).toList())
                .addKeyValue("lockkeeper.status", run.status().label());
        Grant grant = run.grant();
        if (grant != null) {
            line = line.addKeyValue(
                    "lockkeeper.fencing_token", grant.fencingToken().value());
        }
        String reason = reason(change);
        if (reason != null) {
            line = line.addKeyValue("lockkeeper.reason", reason);
        }
        Duration wait = change.wait(at).orElse(null);
        if (wait != null) {
            line = line.addKeyValue("lockkeeper.wait_seconds", wait.toSeconds());
        }
        Duration deployment = change.deployment().orElse(null);
        if (deployment != null) {
            line = line.addKeyValue("lockkeeper.duration_seconds", deployment.toSeconds());
        }
        line.log(sentence(change, reason, wait, deployment));
    }

    /** As the stream of events calls it. */
    private static String action(RunChange change) {
        if (change.asksToStop()) {
            return "cancel_requested";
        }
        RunStatus status = change.after().status();
        return switch (status) {
            case IN_PROGRESS -> "granted";
            case SUCCESS, FAILURE -> "released";
            case CANCELLED -> change.deployment().isPresent() ? "released" : status.label();
            case PREEMPTED -> "force_released";
            case AWAITING_APPROVAL, QUEUED, TIMED_OUT, ABANDONED, EXPIRED, REJECTED, SUPERSEDED, SKIPPED ->
                status.label();
        };
    }

    private static @Nullable String reason(RunChange change) {
        Run run = change.after();
        if (change.asksToStop()) {
            Grant.CancelRequest asked = run.requireGrant().cancel();
            return asked == null ? null : asked.reason();
        }
        return run.status().hasEnded() ? run.statusReason() : run.details().reason();
    }

    private static String sentence(
            RunChange change, @Nullable String reason, @Nullable Duration wait, @Nullable Duration deployment) {
        Run run = change.after();
        String why = reason == null ? "" : ": " + reason;
        if (change.asksToStop()) {
            return "asked " + name(run) + " to stop" + why;
        }
        String who = Objects.requireNonNullElse(run.details().user(), run.caller());
        return switch (run.status()) {
            case AWAITING_APPROVAL -> name(run) + " for " + who + " awaits approval";
            case QUEUED -> "queued " + name(run) + " for " + who;
            case IN_PROGRESS ->
                "granted " + name(run) + " (fencing token " + run.requireGrant().fencingToken() + ") to " + who
                        + (wait == null || wait.toSeconds() == 0 ? "" : " after " + text(wait));
            case SKIPPED -> "skipped " + name(run) + " for " + who + why;
            case SUCCESS, FAILURE, CANCELLED, TIMED_OUT, ABANDONED, EXPIRED, PREEMPTED, REJECTED, SUPERSEDED -> {
                String after = deployment != null
                        ? " after " + text(deployment)
                        : wait != null ? " after a wait of " + text(wait) : "";
                yield name(run) + " ended as " + run.status().label() + after + why;
            }
        };
    }

    private static void log(Effects.Act act, Instant at) {
        LoggingEventBuilder line = line(Level.INFO, act.action(), at, act.environments(), act.by());
        if (act.run() != null) {
            line = line.addKeyValue("lockkeeper.run_id", act.run().value());
        }
        String reason = act.by().reason();
        if (reason != null) {
            line = line.addKeyValue("lockkeeper.reason", reason);
        }
        line.log(act.action().replace('_', ' ')
                + (act.run() == null ? "" : " run " + act.run())
                + (act.environments().isEmpty() ? "" : " in " + places(act.environments()))
                + " by " + act.by().name()
                + (reason == null ? "" : ": " + reason));
    }

    /** Somebody who tries again and again is told each time; the log of everybody else is not filled with it. */
    private static void log(Refusal refusal, Instant at) {
        line(Level.DEBUG, "refused", at, refusal.environments(), new Actor(refusal.caller(), null))
                .addKeyValue("lockkeeper.reason", refusal.code().label())
                .log(
                        "refused {} in {}: {}",
                        refusal.caller(),
                        places(refusal.environments()),
                        refusal.code().label());
    }

    private static LoggingEventBuilder line(
            Level level, String action, Instant at, List<EnvironmentName> environments, Actor by) {
        return LOG.atLevel(level)
                .addKeyValue("event.action", action)
                .addKeyValue("lockkeeper.at", at.toString())
                .addKeyValue(
                        "lockkeeper.environments",
                        environments.stream().map(EnvironmentName::value).toList())
                .addKeyValue("lockkeeper.actor", by.name());
    }

    private static String name(Run run) {
        return "run " + run.id() + " in " + places(run.environments());
    }

    private static String places(List<EnvironmentName> environments) {
        return environments.stream().map(EnvironmentName::value).collect(Collectors.joining(", "));
    }

    /** In the unit that a person would use. */
    private static String text(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 90) {
            return seconds + " s";
        }
        return seconds < 5400 ? Math.round(seconds / 60.0) + " min" : Math.round(seconds / 360.0) / 10.0 + " h";
    }
}
