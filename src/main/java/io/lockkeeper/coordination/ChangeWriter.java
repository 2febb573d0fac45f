package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.NewRun;
import io.lockkeeper.coordination.RoundTrip.Null;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashMap;
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
            case Change.Skip skip -> insert(roundTrip, skip.run(), RunStatus.SKIPPED, skip);
            case Change.GrantQueued grant -> {
                Map<String, @Nullable Object> parameters = of(grant.run());
                parameters.put("pickUpSeconds", timing.pickUp().toSeconds());
                roundTrip.add(GRANT_RUN, parameters, this::keepRun);
            }
            case Change.Renew renew -> roundTrip.add(RENEW_LEASE, of(renew.run()), this::keepRun);
            case Change.RequestCancel cancel -> roundTrip.add(REQUEST_CANCEL, of(cancel.run()), this::keepRun);
            case Change.End end -> {
                Map<String, @Nullable Object> parameters = of(end.run());
                parameters.put("status", end.status().label());
                parameters.put("reason", end.reason());
                putReport(parameters, end.report());
                roundTrip.add(END_RUN, parameters, this::keepRun);
            }
            case Change.KeepReport keep -> {
                Map<String, @Nullable Object> parameters = of(keep.run());
                putReport(parameters, keep.report());
                roundTrip.add(KEEP_REPORT, parameters, RoundTrip.IGNORE);
            }
            case Change.HandOver handOver -> {
                Map<String, @Nullable Object> parameters = new HashMap<>();
                parameters.put("from", handOver.from().value());
                parameters.put(
                        "to",
                        Null.BIGINT.or(
                                handOver.to() == null ? null : handOver.to().value()));
                roundTrip.add(HAND_OVER, parameters, RoundTrip.IGNORE);
            }
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

    Run inserted() {
        return Objects.requireNonNull(inserted, "the plan inserted no run");
    }
}
