package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.status.DeploymentStatus;
import io.lockkeeper.status.DeploymentStatus.Holder;
import io.lockkeeper.status.DeploymentStatus.LastDeployment;
import io.lockkeeper.status.DeploymentStatus.QueuedRun;
import io.lockkeeper.status.Integrity;
import io.lockkeeper.status.Integrity.Violation;
import io.lockkeeper.status.StatusReader;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What admins and scripts look at. */
@RestController
@RequestMapping(produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class StatusController {
    private final StatusReader statuses;
    private final Integrity integrity;
    private final KnownEnvironments environments;
    private final DefaultEnvironment defaultEnvironment;

    StatusController(
            StatusReader statuses,
            Integrity integrity,
            KnownEnvironments environments,
            DefaultEnvironment defaultEnvironment) {
        this.statuses = statuses;
        this.integrity = integrity;
        this.environments = environments;
        this.defaultEnvironment = defaultEnvironment;
    }

    @GetMapping("/api/admin/deployment-status")
    ResponseEntity<StatusAnswer> deploymentStatus(
            Caller caller, @RequestParam(required = false) @ValidEnvironment @Nullable String environment) {
        var name = environment == null ? defaultEnvironment.name() : new EnvironmentName(environment);
        Requests.require(caller, Role.VIEW, name.value());
        Predicate<String> summarised = environment == null ? other -> caller.may(Role.VIEW, other) : null;
        return ok(new StatusAnswer(statuses.find(name, summarised).orElseGet(() -> {
            environments.requireDefault(name);
            return statuses.untouched(name, summarised);
        })));
    }

    @GetMapping(path = "/api/admin/integrity", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<IntegrityAnswer> integrity() {
        List<Violation> violations = integrity.violations();
        if (!violations.isEmpty()) {
            throw Problem.of(
                            ProblemType.INTEGRITY_VIOLATED,
                            Sentences.count(violations.size(), "row")
                                    + " of the database break an invariant. Stop deploying to the lock groups named here, keep a"
                                    + " copy of the database, and report it.")
                    .with("violations", violations)
                    .asException();
        }
        return ok(new IntegrityAnswer(violations));
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }

    /** Everything holds. */
    record IntegrityAnswer(List<Violation> violations) {}

    /** The status as JSON has it, and flat for a shell, with sentences for its lists. */
    record StatusAnswer(@JsonUnwrapped DeploymentStatus status) implements PlainAnswer {

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            plain.put("environment", status.environment());
            plain.put("lock_group", status.lock().lockGroup());
            plain.put("lock_status", status.lock().status());
            Holder holder = status.lock().holder();
            if (holder != null) {
                plain.put("holder_run_id", holder.runId());
                plain.put("holder_environment", holder.environment());
                plain.put("holder_environments", String.join(", ", holder.environments()));
                plain.put("holder_fencing_token", holder.fencingToken());
                plain.put("holder_lease_expires", holder.leaseExpires());
                plain.put("holder_user", holder.user());
                plain.put("holder_title", holder.title());
                plain.put("holder_sha", holder.sha());
                plain.put("holder_hostname", holder.hostname());
                plain.put("holder_pid", holder.pid());
                plain.put("holder_since", holder.started());
                plain.put("holder_duration_seconds", holder.durationSeconds());
                plain.put("holder_command", holder.command());
                plain.put("holder_run_url", holder.runUrl());
                plain.put("holder_last_contact", holder.lastContact());
                plain.put("holder_alive", holder.alive());
            }
            DeploymentStatus.Frozen freeze = status.freeze();
            if (freeze != null) {
                plain.put("freeze", freeze.reason());
                plain.put("freeze_until", freeze.until());
                plain.put("freeze_by", freeze.by());
                plain.put("freeze_everywhere", freeze.everywhere());
            }
            DeploymentStatus.Quarantined quarantine = status.quarantine();
            if (quarantine != null) {
                plain.put("quarantine", quarantine.reason());
                plain.put("quarantine_since", quarantine.since());
            }
            int waiting = 1;
            for (DeploymentStatus.AwaitingApproval run : status.awaitingApproval()) {
                plain.put(
                        "awaiting_approval_" + waiting++,
                        "run " + run.runId() + by(run.user()) + (run.title() == null ? "" : ", " + run.title()) + ", "
                                + run.approvalsGiven() + " of " + run.approvalsRequired() + " approvals");
            }
            plain.put("queue_length", status.queue().length());
            int place = 1;
            for (QueuedRun run : status.queue().runs()) {
                if (run.position() != null) {
                    plain.put("queue_" + place++, sentence(run));
                }
            }
            LastDeployment last = status.lastDeployment();
            plain.put("last_deployment", last == null ? null : sentence(last));
            int number = 1;
            for (DeploymentStatus.Undeployed change : status.undeployed()) {
                plain.put(
                        "undeployed_" + number++,
                        change.sha() + " of run " + change.runId() + by(change.user()) + ", skipped since "
                                + seconds(change.created()));
            }
            plain.put("health", status.health().status());
            if (status.health().detail() != null) {
                plain.put("health_detail", status.health().detail());
            }
            if (status.environments() != null) {
                place = 1;
                for (DeploymentStatus.Summary summary : status.environments()) {
                    plain.put("environment_" + place++, sentence(summary));
                }
            }
            return plain;
        }

        private static String sentence(QueuedRun run) {
            Instant created = run.created();
            return "run " + run.id() + by(run.user())
                    + (run.title() == null ? "" : ", " + run.title())
                    + (created == null ? "" : ", since " + seconds(created))
                    + ("high".equals(run.priority()) ? ", high priority" : "")
                    + (run.etaSeconds() == null ? "" : ", " + Sentences.toGo(Duration.ofSeconds(run.etaSeconds())));
        }

        private static String sentence(LastDeployment last) {
            return last.status() + (last.sha() == null ? "" : " of " + last.sha()) + " by run " + last.runId()
                    + by(last.user()) + " at " + seconds(last.completed()) + " after "
                    + Sentences.duration(Duration.ofSeconds(last.durationSeconds()));
        }

        private static String sentence(DeploymentStatus.Summary summary) {
            return summary.environment() + ": " + summary.lockStatus()
                    + (summary.holder() == null ? "" : " by run " + summary.holder())
                    + (summary.frozen() ? ", frozen" : "")
                    + (summary.quarantined() ? ", in quarantine" : "")
                    + ", " + summary.queueLength() + " pending";
        }

        private static String by(@Nullable String user) {
            return user == null ? "" : " (" + user + ")";
        }

        private static String seconds(Instant at) {
            return at.truncatedTo(ChronoUnit.SECONDS).toString();
        }
    }
}
