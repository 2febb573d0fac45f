package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.NewRun;
import io.lockkeeper.coordination.RoundTrip.Null;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.FreezeWindow;
import io.lockkeeper.environment.LockGroup;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/** Executes a plan: one statement for each change, in order, and decides nothing. Keeps the runs as they are afterwards. */
final class ChangeWriter {
    private static final ParsedSql CREATE_LOCK_GROUP =
            Sql.parse("INSERT INTO lock_group (name) VALUES (:lockGroup) ON CONFLICT (name) DO NOTHING");
    private static final ParsedSql CREATE_ENVIRONMENT = Sql.parse(
            "INSERT INTO environment (name, lock_group, created_at) VALUES (:name, :lockGroup, :at::timestamptz)");
    private static final ParsedSql INSERT_RUN = Sql.load("insert-run.sql");
    private static final ParsedSql GRANT_RUN = Sql.load("grant-run.sql");
    private static final ParsedSql RENEW_LEASE = Sql.load("renew-lease.sql");
    private static final ParsedSql REQUEST_CANCEL = Sql.load("request-cancel.sql");
    private static final ParsedSql END_RUN = Sql.load("end-run.sql");
    private static final ParsedSql KEEP_REPORT = Sql.load("keep-report.sql");
    private static final ParsedSql HAND_OVER = Sql.load("hand-over.sql");
    private static final ParsedSql SHIP = Sql.load("ship.sql");
    private static final ParsedSql SUPERSEDE = Sql.load("supersede.sql");
    private static final ParsedSql APPROVE_RUN = Sql.load("approve-run.sql");
    private static final ParsedSql ADMIT_RUN = Sql.load("admit-run.sql");
    private static final ParsedSql PRIORITIZE_RUN = Sql.load("prioritize-run.sql");
    private static final ParsedSql AUDIT = Sql.load("audit.sql");
    private static final ParsedSql SET_POLICY = Sql.load("set-policy.sql");
    /** What another URL said is not what this one says. */
    private static final ParsedSql FORGET_HEALTH = Sql.parse("""
            DELETE FROM environment_health h
            USING environment e
            WHERE h.environment = :name AND e.name = :name AND e.health_url IS DISTINCT FROM :healthUrl""");

    private static final ParsedSql SET_LOCK_GROUP =
            Sql.parse("UPDATE environment SET lock_group = :lockGroup, next_lock_group = NULL WHERE name = :name");
    private static final ParsedSql MOVE_CLAIMS = Sql.load("move-claims.sql");
    private static final ParsedSql FREEZE = Sql.load("freeze.sql");
    private static final ParsedSql LIFT_FREEZE = Sql.parse("DELETE FROM environment_freeze WHERE scope = :scope");
    private static final ParsedSql QUARANTINE = Sql.parse("""
            UPDATE environment
            SET quarantined_at = :at::timestamptz, quarantine_run = :run, quarantine_reason = :reason
            WHERE name = :name""");
    private static final ParsedSql END_QUARANTINE = Sql.parse("""
            UPDATE environment
            SET quarantined_at = NULL, quarantine_run = NULL, quarantine_reason = NULL
            WHERE name = :name""");
    private static final ParsedSql REQUEST_FORCE_RELEASE = Sql.parse("""
            INSERT INTO force_release_request (environment, fencing_token, requested_by, reason, expires_at)
            VALUES (:name, :fencingToken, :by, :reason, :expiresAt::timestamptz)
            ON CONFLICT (environment) DO UPDATE
            SET fencing_token = EXCLUDED.fencing_token, requested_by = EXCLUDED.requested_by,
                reason = EXCLUDED.reason, expires_at = EXCLUDED.expires_at""");

    /** How long a holder over its limit has to stop (design, section 11). */
    private static final Duration HOLD_GRACE = Duration.ofSeconds(60);

    private final Snapshot snapshot;
    private final OffsetDateTime at;
    private final QueueTiming timing;
    private final Map<RunId, Run> written = new TreeMap<>();
    private @Nullable Run inserted;

    ChangeWriter(Snapshot snapshot, QueueTiming timing) {
        this.snapshot = snapshot;
        this.at = offset(snapshot.at());
        this.timing = timing;
    }

    /** The instant that everything is written with. */
    Instant at() {
        return snapshot.at();
    }

    static OffsetDateTime offset(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    void add(RoundTrip roundTrip, Change change) {
        switch (change) {
            case Change.CreateEnvironment create -> {
                Map<String, Object> parameters = Map.of(
                        "name", create.environment().name().value(),
                        "lockGroup", create.environment().lockGroup().name(),
                        "at", at);
                roundTrip.add(CREATE_LOCK_GROUP, parameters, RoundTrip.IGNORE);
                roundTrip.add(CREATE_ENVIRONMENT, parameters, RoundTrip.IGNORE);
            }
            case Change.Start start -> insert(roundTrip, start.run(), RunStatus.IN_PROGRESS, null);
            case Change.Enqueue enqueue -> insert(roundTrip, enqueue.run(), RunStatus.QUEUED, null);
            case Change.AwaitApproval await -> insert(roundTrip, await.run(), RunStatus.AWAITING_APPROVAL, null);
            case Change.Skip skip -> insert(roundTrip, skip.run(), RunStatus.SKIPPED, skip);
            case Change.GrantQueued grant -> {
                Map<String, @Nullable Object> parameters = of(grant.run());
                parameters.put("pickUpSeconds", timing.pickUp().toSeconds());
                putHold(parameters, grant.maxHold());
                roundTrip.add(GRANT_RUN, parameters, this::keepRun);
            }
            case Change.Renew renew -> roundTrip.add(RENEW_LEASE, of(renew.run()), this::keepRun);
            case Change.RequestCancel cancel -> {
                Map<String, @Nullable Object> parameters = of(cancel.run());
                parameters.put("cause", cancel.cause().label());
                parameters.put("reason", cancel.reason());
                roundTrip.add(REQUEST_CANCEL, parameters, this::keepRun);
            }
            case Change.End end -> {
                Map<String, @Nullable Object> parameters = of(end.run());
                parameters.put("status", end.status().label());
                parameters.put("reason", end.reason());
                putReport(parameters, end.report());
                parameters.put("shippedSha", end.shippedSha());
                roundTrip.add(END_RUN, parameters, this::keepRun);
            }
            case Change.KeepReport keep -> {
                Map<String, @Nullable Object> parameters = of(keep.run());
                putReport(parameters, keep.report());
                roundTrip.add(KEEP_REPORT, parameters, RoundTrip.IGNORE);
            }
            case Change.HandOver handOver -> handOver(roundTrip, handOver.from(), handOver.to(), false);
            case Change.HandOverToInserted handOver -> handOver(roundTrip, handOver.from(), null, true);
            case Change.Supersede supersede -> {
                Map<String, @Nullable Object> parameters = of(supersede.run());
                parameters.put("wasStatus", supersede.run().status().label());
                parameters.put("by", nullable(supersede.by()));
                roundTrip.add(SUPERSEDE, parameters, this::keepRun);
            }
            case Change.Approve approve -> {
                Map<String, @Nullable Object> parameters = of(approve.run());
                parameters.put("approver", approve.by().name());
                parameters.put("comment", approve.by().reason());
                roundTrip.add(APPROVE_RUN, parameters, RoundTrip.IGNORE);
            }
            case Change.Admit admit -> {
                Map<String, @Nullable Object> parameters = of(admit.run());
                parameters.put("presenceSeconds", (int) timing.presence().toSeconds());
                roundTrip.add(ADMIT_RUN, parameters, this::keepRun);
            }
            case Change.Prioritize prioritize -> {
                Map<String, @Nullable Object> parameters = of(prioritize.run());
                parameters.put("passesFreeze", prioritize.passesFreeze());
                roundTrip.add(PRIORITIZE_RUN, parameters, this::keepRun);
            }
            case Change.Quarantine quarantine ->
                roundTrip.add(
                        QUARANTINE,
                        Map.of(
                                "at", at,
                                "run", quarantine.run().value(),
                                "reason", quarantine.reason(),
                                "name", quarantine.environment().value()),
                        RoundTrip.IGNORE);
            case Change.EndQuarantine end ->
                roundTrip.add(END_QUARANTINE, Map.of("name", end.environment().value()), RoundTrip.IGNORE);
            case Change.SetFreeze freeze ->
                addFreeze(roundTrip, freeze.environment().value(), freeze.reason(), freeze.until(), freeze.by(), at);
            case Change.LiftFreeze lift ->
                roundTrip.add(LIFT_FREEZE, Map.of("scope", lift.environment().value()), RoundTrip.IGNORE);
            case Change.SetPolicy set -> setPolicy(roundTrip, set);
            case Change.SetLockGroup set -> {
                Map<String, @Nullable Object> parameters = new HashMap<>();
                parameters.put("name", set.environment().value());
                parameters.put("lockGroup", set.lockGroup().name());
                roundTrip.add(CREATE_LOCK_GROUP, parameters, RoundTrip.IGNORE);
                roundTrip.add(SET_LOCK_GROUP, parameters, RoundTrip.IGNORE);
            }
            case Change.MoveClaims move ->
                roundTrip.add(
                        MOVE_CLAIMS,
                        Map.of(
                                "name", move.environment().value(),
                                "from", move.from().name(),
                                "to", move.to().name()),
                        RoundTrip.IGNORE);
            case Change.RequestForceRelease request ->
                roundTrip.add(
                        REQUEST_FORCE_RELEASE,
                        Map.of(
                                "name", request.request().environment().value(),
                                "fencingToken", request.request().fencingToken().value(),
                                "by", request.request().actor().name(),
                                "reason",
                                        Objects.requireNonNullElse(
                                                request.request().actor().reason(), ""),
                                "expiresAt", offset(snapshot.at().plus(AdminPlanner.CONFIRMATION_TIME))),
                        RoundTrip.IGNORE);
            case Change.Audit audit -> addAudit(roundTrip, audit, at);
            case Change.Ship ship -> {
                Map<String, @Nullable Object> parameters = new HashMap<>();
                parameters.put("by", ship.by().id().value());
                parameters.put("runs", ship.runs().stream().map(RunId::value).toArray(Long[]::new));
                parameters.put("deployedSha", ship.deployedSha());
                parameters.put("environments", Scope.names(ship.by().environments()));
                parameters.put("repository", ship.by().details().repository());
                roundTrip.add(SHIP, parameters, RoundTrip.IGNORE);
            }
        }
    }

    static void addAudit(RoundTrip roundTrip, Change.Audit audit, OffsetDateTime at) {
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("at", at);
        parameters.put("actor", audit.actor().name());
        parameters.put("action", audit.action());
        parameters.put("environments", Scope.names(audit.environments()));
        parameters.put("run", nullable(audit.run()));
        parameters.put("reason", audit.actor().reason());
        parameters.put("beforeKeys", audit.before().keySet().toArray(String[]::new));
        parameters.put("beforeValues", audit.before().values().toArray(String[]::new));
        parameters.put("afterKeys", audit.after().keySet().toArray(String[]::new));
        parameters.put("afterValues", audit.after().values().toArray(String[]::new));
        roundTrip.add(AUDIT, parameters, RoundTrip.IGNORE);
    }

    static void addFreeze(
            RoundTrip roundTrip, String scope, String reason, @Nullable Instant until, String by, OffsetDateTime at) {
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("scope", scope);
        parameters.put("reason", reason);
        parameters.put("until", until == null ? null : until.toString());
        parameters.put("by", by);
        parameters.put("at", at);
        roundTrip.add(FREEZE, parameters, RoundTrip.IGNORE);
    }

    static void addLiftFreeze(RoundTrip roundTrip, String scope) {
        roundTrip.add(LIFT_FREEZE, Map.of("scope", scope), RoundTrip.IGNORE);
    }

    private static void setPolicy(RoundTrip roundTrip, Change.SetPolicy change) {
        Transition.SetPolicy set = change.to();
        LockGroup next = change.nextLockGroup();
        EnvironmentPolicy policy = set.policy();
        List<FreezeWindow> windows = policy.freezeWindows();
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("name", set.environment().value());
        parameters.put("lockGroup", change.lockGroup().name());
        parameters.put("nextLockGroup", next == null ? null : next.name());
        parameters.put("leaseSeconds", (int) policy.lease().toSeconds());
        parameters.put("queueTimeoutSeconds", (int) policy.queueTimeout().toSeconds());
        parameters.put(
                "maxHoldSeconds",
                Null.INTEGER.or(
                        policy.maxHold() == null ? null : (int) policy.maxHold().toSeconds()));
        parameters.put("batchThreshold", policy.batchThreshold());
        parameters.put("batchWindowSeconds", (int) policy.batchWindow().toSeconds());
        parameters.put("queueMode", policy.queueMode().label());
        parameters.put("cancelInProgress", policy.cancelInProgress());
        parameters.put("approvalsRequired", policy.approvalsRequired());
        parameters.put("approvers", policy.approvers().toArray(String[]::new));
        parameters.put("approvalTimeoutSeconds", (int) policy.approvalTimeout().toSeconds());
        parameters.put(
                "promoteFrom",
                policy.promoteFrom() == null ? null : policy.promoteFrom().value());
        parameters.put("onFailure", policy.onFailure().label());
        parameters.put("healthUrl", policy.healthUrl());
        parameters.put("protected", policy.isProtected());
        parameters.put("windowCrons", windows.stream().map(FreezeWindow::cron).toArray(String[]::new));
        parameters.put(
                "windowTimeZones", windows.stream().map(FreezeWindow::timeZone).toArray(String[]::new));
        parameters.put(
                "windowSeconds",
                windows.stream()
                        .map(window -> (int) window.duration().toSeconds())
                        .toArray(Integer[]::new));
        parameters.put(
                "windowReasons", windows.stream().map(FreezeWindow::reason).toArray(String[]::new));
        parameters.put(
                "declaredIn", set.declaredIn() == null ? null : set.declaredIn().label());
        roundTrip.add(CREATE_LOCK_GROUP, parameters, RoundTrip.IGNORE);
        roundTrip.add(FORGET_HEALTH, parameters, RoundTrip.IGNORE);
        roundTrip.add(SET_POLICY, parameters, RoundTrip.IGNORE);
    }

    private static void handOver(RoundTrip roundTrip, RunId from, @Nullable RunId to, boolean toInserted) {
        roundTrip.add(
                HAND_OVER,
                Map.of("from", from.value(), "to", nullable(to), "toInserted", toInserted),
                RoundTrip.IGNORE);
    }

    private static Object nullable(@Nullable RunId run) {
        return Null.BIGINT.or(run == null ? null : run.value());
    }

    /** The instants at which a grant of now is asked to stop, and ends. */
    private void putHold(Map<String, @Nullable Object> parameters, @Nullable Duration maxHold) {
        Instant expires = maxHold == null ? null : snapshot.at().plus(maxHold);
        parameters.put("holdExpiresAt", expires == null ? null : expires.toString());
        parameters.put(
                "holdEndsAt", expires == null ? null : expires.plus(HOLD_GRACE).toString());
    }

    private Map<String, @Nullable Object> of(Run run) {
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("at", at);
        parameters.put("run", run.id().value());
        parameters.put("wasStatus", run.status().label());
        parameters.put(
                "fencingToken",
                Null.BIGINT.or(
                        run.grant() == null ? null : run.grant().fencingToken().value()));
        return parameters;
    }

    private static void putReport(Map<String, @Nullable Object> parameters, @Nullable Report report) {
        parameters.put("reportedStatus", report == null ? null : report.result().label());
        parameters.put("deployedSha", report == null ? null : report.deployedSha());
    }

    private void insert(RoundTrip roundTrip, NewRun run, RunStatus status, Change.@Nullable Skip skip) {
        AcquireRequest request = run.request();
        RunDetails details = request.details();
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("at", at);
        parameters.put("environments", Scope.names(request.environments()));
        parameters.put("status", status.label());
        parameters.put("statusReason", skip == null ? null : skip.reason());
        parameters.put("priority", request.priority().rank());
        parameters.put("coverage", request.coverage().label());
        parameters.put("leaseSeconds", (int) run.lease().toSeconds());
        ForeignLock foreignLock = request.foreignLock();
        parameters.put("foreignLockId", foreignLock == null ? null : foreignLock.id());
        parameters.put("foreignLockInfo", foreignLock == null ? null : foreignLock.info());
        parameters.put(
                "ownPresenceSeconds",
                Null.INTEGER.or(
                        foreignLock == null
                                ? null
                                : (int) foreignLock.presence().toSeconds()));
        putHold(parameters, status == RunStatus.IN_PROGRESS ? run.maxHold() : null);
        parameters.put("approvalsRequired", run.approvalsRequired());
        parameters.put("approvalSeconds", (int) run.approvalTimeout().toSeconds());
        parameters.put("passesFreeze", request.passesFreeze());
        parameters.put("skipReason", skip == null ? null : skip.why().label());
        parameters.put("queueSeconds", (int) run.queueTimeout().toSeconds());
        parameters.put("presenceSeconds", (int) timing.presence().toSeconds());
        parameters.put("nonce", request.seal().nonce());
        parameters.put("digest", request.seal().digest().bytes());
        parameters.put("caller", request.caller());
        parameters.put("idempotencyKey", request.idempotencyKey());
        parameters.put("requestDigest", request.requestDigest().bytes());
        parameters.put("batchKey", request.batchKey().bytes());
        parameters.put(
                "batchedInto", Null.BIGINT.or(skip == null ? null : skip.into().value()));
        parameters.put("covered", Null.BOOLEAN.or(skip == null ? null : skip.covered()));
        parameters.put("claims", skip == null ? claims(request) : new String[0]);
        parameters.put("sha", details.sha());
        parameters.put("ref", details.ref());
        parameters.put("repository", details.repository());
        parameters.put("title", details.title());
        parameters.put("tier", details.tier());
        parameters.put("reason", details.reason());
        parameters.put("user", details.user());
        parameters.put("hostname", details.hostname());
        parameters.put("pid", Null.INTEGER.or(details.pid()));
        parameters.put("command", details.command());
        parameters.put("source", details.source());
        parameters.put("runUrl", details.runUrl());
        parameters.put(
                "trusted", details.trusted().stream().map(TrustedField::label).toArray(String[]::new));
        roundTrip.add(INSERT_RUN, parameters, rows -> {
            rows.next();
            inserted = RunRows.read(rows);
        });
    }

    private String[] claims(AcquireRequest request) {
        return request.environments().stream()
                .map(name -> snapshot.environment(name).lockGroup().name())
                .distinct()
                .sorted()
                .toArray(String[]::new);
    }

    private void keepRun(ResultSet rows) throws SQLException {
        rows.next();
        Run run = RunRows.read(rows);
        written.put(run.id(), run);
    }

    /** The run as this transition leaves it. */
    Run after(Run before) {
        return written.getOrDefault(before.id(), before);
    }

    Optional<Run> after(@Nullable RunId id) {
        return id == null ? Optional.empty() : Optional.ofNullable(written.get(id));
    }

    /** Every run that was there before, as this transition leaves it. */
    Collection<Run> written() {
        return written.values();
    }

    boolean hasInserted() {
        return inserted != null;
    }

    Run inserted() {
        return Objects.requireNonNull(inserted, "the plan inserted no run");
    }
}
