package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Quarantine;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/** Reads runs as their clients are told of them, and notes that a client has asked. */
public final class RunReader {
    private static final ParsedSql FIND = Sql.load("find-run.sql");
    private static final ParsedSql BATCHED = Sql.load("batched.sql");
    private static final ParsedSql STANDING = Sql.load("standing.sql");
    private static final ParsedSql ENVIRONMENTS = Sql.load("environments.sql");
    private static final ParsedSql APPROVALS = Sql.parse("SELECT count(*) AS given FROM approval WHERE run_id = :run");
    private static final ParsedSql LOCK_SHARED = Sql.load("lock-shared.sql");
    private static final ParsedSql TOUCH = Sql.load("touch.sql");
    private static final ParsedSql HOLDER = Sql.load("holder.sql");
    private static final ParsedSql FOREIGN_LOCK = Sql.load("foreign-lock.sql");

    private final JdbcTemplate jdbc;
    private final Transactions transactions;
    private final QueueTiming timing;

    public RunReader(JdbcTemplate jdbc, QueueTiming timing) {
        this.jdbc = jdbc;
        this.transactions = new Transactions(jdbc);
        this.timing = timing;
    }

    /** The run as it is, without its standing in the queue; empty when there is none. */
    public Optional<RunReport> find(RunId id) {
        return Optional.ofNullable(jdbc.execute((Connection connection) -> {
            Reading reading = new Reading();
            RoundTrip roundTrip = new RoundTrip();
            reading.addTo(roundTrip, id);
            roundTrip.run(connection);
            return reading.report();
        }));
    }

    /** The run that holds the lock of an environment, also one whose time is up and that nobody has ended yet; empty for a free one. */
    public Optional<RunReport> holder(EnvironmentName environment) {
        return one(HOLDER, Map.of("environment", environment.value()));
    }

    /** The newest run of the caller that stands for a lock of another tool, found by what the tool calls it. */
    public Optional<RunReport> foreignLock(EnvironmentName environment, String caller, String lockId) {
        return one(
                FOREIGN_LOCK,
                Map.of("environments", new String[] {environment.value()}, "caller", caller, "lockId", lockId));
    }

    private Optional<RunReport> one(ParsedSql sql, Map<String, Object> parameters) {
        return Optional.ofNullable(jdbc.execute((Connection connection) -> {
            List<RunReport> found = new ArrayList<>();
            new RoundTrip()
                    .add(sql, parameters, rows -> {
                        while (rows.next()) {
                            found.add(new RunReport(RunRows.read(rows), RunRows.instant(rows, "at"), null, null));
                        }
                    })
                    .run(connection);
            return found.isEmpty() ? null : found.getFirst();
        }));
    }

    /**
     * Notes that the client of a waiting run has asked, which keeps it in the queue, and that the client of a granted run has learned of it,
     * which begins its lease. A grant whose time is up is not revived; a queued run that nobody has missed yet keeps its place.
     *
     * @return the run afterwards, without its standing; empty when there is none. Compare the token yourself: a wrong one changes nothing
     */
    public Optional<RunReport> touch(LockProof proof) {
        return transactions.run(connection -> {
            Reading reading = new Reading();
            RoundTrip roundTrip = Transactions.begin();
            Map<String, Object> parameters = Map.of(
                    "run", proof.run().value(),
                    "digest", proof.digest().bytes(),
                    "presenceSeconds", (int) timing.presence().toSeconds());
            roundTrip.add(LOCK_SHARED, parameters, RoundTrip.IGNORE);
            roundTrip.add(TOUCH, parameters, RoundTrip.IGNORE);
            reading.addTo(roundTrip, proof.run());
            roundTrip.add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE);
            roundTrip.run(connection);
            return Optional.ofNullable(reading.report());
        });
    }

    /** The report completed with where the run stands, if it waits. */
    public RunReport withStanding(RunReport report) {
        if (!report.run().status().isWaiting()) {
            return report;
        }
        Standing standing = jdbc.execute((Connection connection) -> {
            StandingReading reading = new StandingReading(report.run());
            RoundTrip roundTrip = Transactions.beginLook();
            reading.addTo(roundTrip);
            roundTrip.run(connection);
            if (reading.isAheadOfSome()) {
                RoundTrip again = new RoundTrip();
                reading.addQueueWithoutHeldBack(again);
                again.run(connection);
            }
            return reading.standing();
        });
        return new RunReport(report.run(), report.at(), standing, report.deploy());
    }

    /** A run with what was skipped in its favour. */
    private static final class Reading {
        private @Nullable Run run;
        private @Nullable Instant at;
        private final List<BatchedRun> batched = new ArrayList<>();

        void addTo(RoundTrip roundTrip, RunId id) {
            Map<String, Object> parameters = Map.of("run", id.value());
            roundTrip.add(FIND, parameters, rows -> {
                if (rows.next()) {
                    run = RunRows.read(rows);
                    at = RunRows.instant(rows, "at");
                }
            });
            roundTrip.add(BATCHED, parameters, rows -> SnapshotReader.readBatched(rows, batched));
        }

        @Nullable
        RunReport report() {
            if (run == null || at == null) {
                return null;
            }
            return new RunReport(run, at, null, run.grant() == null ? null : Deploy.of(run, batched));
        }
    }

    /** What holds a run back, and then its place in each queue: among all, or among those that are not held back themselves. */
    private static final class StandingReading {
        private final Run run;
        private final List<Blocker> heldBack = new ArrayList<>();
        private final Set<String> frozen = new TreeSet<>();
        private final Set<String> quarantined = new TreeSet<>();
        private long heldBackSeconds;
        private boolean isEndKnown = true;
        private QueueReading queues = new QueueReading();

        StandingReading(Run run) {
            this.run = run;
        }

        void addTo(RoundTrip roundTrip) {
            Map<String, Object> parameters = Map.of(
                    "names", Scope.names(run.environments()),
                    "groups", run.lockGroups().stream().map(LockGroup::name).toArray(String[]::new),
                    "run", run.id().value());
            roundTrip.add(ENVIRONMENTS, parameters, this::readEnvironments);
            roundTrip.add(APPROVALS, parameters, this::readApprovals);
            addQueue(roundTrip, true);
        }

        /** Whether runs are counted ahead of this one that it will be granted before. */
        boolean isAheadOfSome() {
            boolean othersAreHeldBack = !frozen.isEmpty() || !quarantined.isEmpty();
            return othersAreHeldBack && heldBack.isEmpty() && queues.position > 1;
        }

        void addQueueWithoutHeldBack(RoundTrip roundTrip) {
            queues = new QueueReading();
            addQueue(roundTrip, false);
        }

        private void addQueue(RoundTrip roundTrip, boolean countsAll) {
            Map<String, Object> parameters = Map.of(
                    "run", run.id().value(),
                    "aheadShown", Standing.AHEAD_SHOWN,
                    "countsAll", countsAll,
                    "frozen", frozen.toArray(String[]::new),
                    "heldBack", heldBackPlaces().toArray(String[]::new));
            roundTrip.add(STANDING, parameters, queues::read);
        }

        private Set<String> heldBackPlaces() {
            Set<String> places = new TreeSet<>(frozen);
            places.addAll(quarantined);
            return places;
        }

        /** What holds the run back, whoever has the lock, and what holds back others. A known end of a freeze is part of the estimate. */
        private void readEnvironments(ResultSet rows) throws SQLException {
            while (rows.next()) {
                Environment environment = EnvironmentRows.read(rows);
                Instant at = RunRows.instant(rows, "at");
                boolean isOurs = run.environments().contains(environment.name());
                Optional<Freeze> freeze = environment.freezeAt(at);
                if (freeze.isPresent()) {
                    frozen.add(environment.name().value());
                }
                if (freeze.isPresent() && isOurs && !run.passesFreeze()) {
                    heldBack.add(new Blocker.Frozen(environment.name(), freeze.get()));
                    Instant until = freeze.get().until();
                    isEndKnown &= until != null;
                    heldBackSeconds = until == null
                            ? heldBackSeconds
                            : Math.max(
                                    heldBackSeconds, Duration.between(at, until).toSeconds());
                }
                Quarantine quarantine = environment.quarantine();
                if (quarantine != null) {
                    quarantined.add(environment.name().value());
                    if (isOurs && run.priority() != Priority.HIGH) {
                        heldBack.add(new Blocker.Quarantined(environment.name(), quarantine));
                        isEndKnown = false;
                    }
                }
            }
        }

        private void readApprovals(ResultSet rows) throws SQLException {
            rows.next();
            if (run.status() == RunStatus.AWAITING_APPROVAL) {
                heldBack.addFirst(new Blocker.Approval(run.approvalsRequired(), rows.getInt("given")));
                isEndKnown = false;
            }
        }

        Standing standing() {
            List<Blocker> blockers = new ArrayList<>(heldBack);
            blockers.addAll(queues.blockers);
            Duration eta = isEndKnown && queues.etaKnown
                    ? Duration.ofSeconds(Math.max(heldBackSeconds, queues.etaSeconds))
                    : null;
            return new Standing(queues.position, queues.length, blockers, eta);
        }
    }

    private static final class QueueReading {
        private int position = 1;
        private int length;
        private final List<Blocker> blockers = new ArrayList<>();
        private long etaSeconds;
        private boolean etaKnown = true;

        void read(ResultSet rows) throws SQLException {
            while (rows.next()) {
                LockGroup group = new LockGroup(rows.getString("lock_group"));
                int ahead = rows.getInt("ahead");
                RunId holder = RunRows.runIdOrNull(rows, "holder_id");
                position = Math.max(position, ahead + 1);
                length = Math.max(length, rows.getInt("queued") + (holder == null ? 0 : 1));
                Instant since = null;
                if (holder != null) {
                    since = RunRows.instant(rows, "holder_since");
                    blockers.add(new Blocker.Holder(
                            group,
                            holder,
                            RunRows.environments(rows, "holder_environments"),
                            rows.getString("holder_user"),
                            rows.getString("holder_title"),
                            since,
                            rows.getString("holder_run_url")));
                }
                if (ahead > 0) {
                    Long[] ids = (Long[]) rows.getArray("ahead_runs").getArray();
                    blockers.add(new Blocker.Queue(
                            group, ahead, Arrays.stream(ids).map(RunId::new).toList()));
                }
                Duration heldFor = since == null ? null : Duration.between(since, RunRows.instant(rows, "at"));
                OptionalLong seconds = new WaitEstimate(rows.getObject("usual_hold_seconds", Double.class), heldFor)
                        .secondsBehind(ahead);
                etaKnown &= seconds.isPresent();
                etaSeconds = Math.max(etaSeconds, seconds.orElse(0));
            }
        }
    }
}
