package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.lockkeeper.coordination.BatchedRun;
import io.lockkeeper.coordination.Blocker;
import io.lockkeeper.coordination.Deploy;
import io.lockkeeper.coordination.Grant;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.coordination.Standing;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.Quarantine;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What acquire and {@code GET /api/runs/{id}} answer: the run, and with it what its client needs next. Which fields there are depends on the
 * outcome, and nothing else does.
 */
@JsonPropertyOrder({"outcome", "run"})
public sealed interface RunAnswer extends PlainAnswer {

    @JsonProperty("outcome")
    String outcome();

    RunView run();

    /** A sentence for people. */
    String message();

    /**
     * The answer for a run as it was read.
     *
     * @param lockToken null for everybody but the caller that acquired it
     * @param created whether an environment was made on the way
     */
    static RunAnswer of(RunReport report, @Nullable String lockToken, boolean created) {
        Run run = report.run();
        return switch (run.status()) {
            case IN_PROGRESS -> Granted.of(report, lockToken, created);
            case QUEUED, AWAITING_APPROVAL ->
                Queued.of(run, Objects.requireNonNull(report.standing()), lockToken, created);
            case SKIPPED -> Skipped.of(run);
            case SUCCESS, FAILURE, CANCELLED, TIMED_OUT, ABANDONED, EXPIRED, PREEMPTED, REJECTED, SUPERSEDED ->
                Ended.of(run);
        };
    }

    /** The keys that every plain answer begins with. */
    private static SequencedMap<String, @Nullable Object> plainStart(RunAnswer answer) {
        SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
        plain.put("outcome", answer.outcome());
        plain.put("run_id", answer.run().id());
        plain.put("status", answer.run().status());
        return plain;
    }

    /**
     * How long the lock is kept without another heartbeat.
     *
     * @param seconds from when the service last heard the client; shorter than what was asked for when max_hold_seconds is near
     */
    record Lease(Instant expiresAt, long seconds) {
        static Lease of(Run run) {
            Instant expiresAt = run.requireGrant().expiresAt();
            return new Lease(
                    expiresAt, Duration.between(run.lastContactAt(), expiresAt).toSeconds());
        }
    }

    /** What to deploy. */
    record DeployView(@Nullable String sha, List<Included> includes) {
        static DeployView of(Deploy deploy) {
            return new DeployView(
                    deploy.sha(), deploy.includes().stream().map(Included::of).toList());
        }
    }

    /** A skipped run whose change is deployed along. */
    record Included(
            long id,
            @Nullable String sha,
            @Nullable String title,
            @Nullable String user,
            @Nullable String runUrl) {
        static Included of(BatchedRun run) {
            return new Included(run.id().value(), run.sha(), run.title(), run.user(), run.runUrl());
        }
    }

    /** The run holds its locks: deploy. */
    record Granted(
            RunView run,
            String message,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String lockToken,

            long fencingToken,
            Lease lease,
            DeployView deploy,
            boolean cancelRequested,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String cancelReason,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Boolean environmentCreated)
            implements RunAnswer {

        static Granted of(RunReport report, @Nullable String lockToken, boolean created) {
            Run run = report.run();
            Grant grant = run.requireGrant();
            Deploy deploy = Objects.requireNonNull(report.deploy());
            return new Granted(
                    RunView.of(run, null),
                    Sentences.granted(run, deploy),
                    lockToken,
                    grant.fencingToken().value(),
                    Lease.of(run),
                    DeployView.of(deploy),
                    grant.cancelRequested(),
                    grant.cancel() == null ? null : grant.cancel().reason(),
                    created ? true : null);
        }

        @Override
        public String outcome() {
            return "granted";
        }

        /** Spring logs answers: the beginning at level debug, all of it at trace. A secret has no place in a log. */
        @Override
        public String toString() {
            return "Granted[run=" + run.id() + ", fencingToken=" + fencingToken + ", lockToken=hidden]";
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = plainStart(this);
            plain.put("lock_token", lockToken);
            plain.put("fencing_token", fencingToken);
            plain.put("lease_expires_at", lease.expiresAt());
            plain.put("lease_seconds", lease.seconds());
            plain.put("deploy_sha", deploy.sha());
            plain.put("cancel_requested", cancelRequested);
            plain.put("cancel_reason", cancelReason);
            plain.put("environment_created", environmentCreated);
            plain.put("message", message);
            return plain;
        }
    }

    /** The run is in the queue: wait on it. */
    record Queued(
            RunView run,
            String message,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String lockToken,

            int position,
            int queueLength,
            List<BlockerView> blockers,
            @Nullable Long etaSeconds,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Boolean environmentCreated)
            implements RunAnswer {

        static Queued of(Run run, Standing standing, @Nullable String lockToken, boolean created) {
            return new Queued(
                    RunView.of(run, standing.position()),
                    Sentences.queued(run, standing),
                    lockToken,
                    standing.position(),
                    standing.queueLength(),
                    standing.blockers().stream().map(BlockerView::of).toList(),
                    standing.eta() == null ? null : standing.eta().toSeconds(),
                    created ? true : null);
        }

        @Override
        public String outcome() {
            return "queued";
        }

        /** Spring logs answers: the beginning at level debug, all of it at trace. A secret has no place in a log. */
        @Override
        public String toString() {
            return "Queued[run=" + run.id() + ", position=" + position + ", lockToken=hidden]";
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = plainStart(this);
            plain.put("lock_token", lockToken);
            plain.put("position", position);
            plain.put("queue_length", queueLength);
            plain.put("eta_seconds", etaSeconds);
            plain.put("blocked_by", Sentences.blockedBy(blockers));
            plain.put("environment_created", environmentCreated);
            plain.put("message", message);
            return plain;
        }
    }

    /** Another run is to deploy the change. */
    record Skipped(
            RunView run,
            String message,
            String skipReason,
            @Nullable Long batchedInto,
            @Nullable Boolean covered,
            @Nullable Long shippedBy)
            implements RunAnswer {

        static Skipped of(Run run) {
            RunView view = RunView.of(run, null);
            return new Skipped(
                    view,
                    Sentences.skipped(run),
                    Objects.requireNonNull(run.batch()).reason().label(),
                    view.batchedInto(),
                    view.covered(),
                    view.shippedBy());
        }

        @Override
        public String outcome() {
            return "skipped";
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = plainStart(this);
            plain.put("skip_reason", skipReason);
            plain.put("batched_into", batchedInto);
            plain.put("covered", covered);
            plain.put("shipped_by", shippedBy);
            plain.put("message", message);
            return plain;
        }
    }

    /** The run is over. */
    record Ended(RunView run, String message) implements RunAnswer {

        static Ended of(Run run) {
            return new Ended(RunView.of(run, null), Sentences.ended(run));
        }

        @Override
        public String outcome() {
            return "ended";
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = plainStart(this);
            plain.put("message", message);
            return plain;
        }
    }

    /** One reason why a run waits. */
    sealed interface BlockerView {
        String type();

        static BlockerView of(Blocker blocker) {
            return switch (blocker) {
                case Blocker.Holder holder -> HolderView.of(holder);
                case Blocker.Queue queue ->
                    new QueueView(
                            "queue",
                            queue.lockGroup().name(),
                            queue.ahead(),
                            queue.runs().stream().map(id -> id.value()).toList());
                case Blocker.Frozen frozen -> FreezeView.of(frozen.environment(), frozen.freeze());
                case Blocker.Quarantined quarantined ->
                    QuarantineView.of(quarantined.environment(), quarantined.quarantine());
                case Blocker.Approval approval -> new ApprovalView("approval", approval.required(), approval.given());
            };
        }
    }

    /** A run that holds a lock. */
    record HolderView(
            String type,
            String environment,
            List<String> environments,
            String lockGroup,
            long runId,
            @Nullable String user,
            @Nullable String title,
            Instant since,
            @Nullable String runUrl)
            implements BlockerView {

        static HolderView of(Blocker.Holder holder) {
            List<String> environments = RunView.names(holder.environments());
            return new HolderView(
                    "holder",
                    environments.getFirst(),
                    environments,
                    holder.lockGroup().name(),
                    holder.run().value(),
                    holder.user(),
                    holder.title(),
                    holder.since(),
                    holder.runUrl());
        }
    }

    /** Runs that are ahead. */
    record QueueView(String type, String lockGroup, int ahead, List<Long> runIds) implements BlockerView {}

    /**
     * Nothing is granted in an environment for now.
     *
     * @param everywhere whether it is the freeze of all environments
     */
    record FreezeView(
            String type,
            String environment,
            String reason,
            @Nullable Instant until,
            @Nullable String by,
            boolean everywhere)
            implements BlockerView {

        static FreezeView of(EnvironmentName environment, Freeze freeze) {
            return new FreezeView(
                    "freeze", environment.value(), freeze.reason(), freeze.until(), freeze.by(), freeze.everywhere());
        }
    }

    /** A deployment to an environment went wrong, and nobody has acknowledged it. */
    record QuarantineView(
            String type,
            String environment,
            String reason,
            Instant since,
            @Nullable Long runId) implements BlockerView {

        static QuarantineView of(EnvironmentName environment, Quarantine quarantine) {
            return new QuarantineView(
                    "quarantine", environment.value(), quarantine.reason(), quarantine.since(), quarantine.run());
        }
    }

    /** People have to approve first. */
    record ApprovalView(String type, int required, int given) implements BlockerView {}
}
