package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.Freeze;
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
            Transactions.beginLook()
                    .add(
                            ENVIRONMENTS,
                            Map.of("names", Scope.names(report.run().environments())),
                            reading::readEnvironments)
                    .add(APPROVALS, Map.of("run", report.run().id().value()), reading::readApprovals)
                    .add(
                            STANDING,
                            Map.of("run", report.run().id().value(), "aheadShown", Standing.AHEAD_SHOWN),
                            reading::read)
                    .run(connection);
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

    private static final class StandingReading {
        private int position = 1;
        private int queueLength;
        private final List<Blocker> blockers = new ArrayList<>();
        private long etaSeconds;
        private boolean etaKnown = true;
        private final Run run;

        StandingReading(Run run) {
            this.run = run;
        }

        /** What holds the run back, whoever has the lock. An end of a freeze that is known is part of the estimate. */
        void readEnvironments(ResultSet rows) throws SQLException {
            while (rows.next()) {
                Environment environment = EnvironmentRows.read(rows);
                Instant at = RunRows.instant(rows, "at");
                Optional<Freeze> freeze = environment.freezeAt(at).filter(any -> !run.passesFreeze());
                if (freeze.isPresent()) {
                    blockers.add(new Blocker.Frozen(environment.name(), freeze.get()));
                    Instant until = freeze.get().until();
                    etaKnown &= until != null;
                    etaSeconds = until == null
                            ? etaSeconds
                            : Math.max(etaSeconds, Duration.between(at, until).toSeconds());
                }
                Quarantine quarantine = environment.quarantine();
                if (quarantine != null && run.priority() != Priority.HIGH) {
                    blockers.add(new Blocker.Quarantined(environment.name(), quarantine));
                    etaKnown = false;
                }
            }
        }

        void readApprovals(ResultSet rows) throws SQLException {
            rows.next();
            if (run.status() == RunStatus.AWAITING_APPROVAL) {
                blockers.addFirst(new Blocker.Approval(run.approvalsRequired(), rows.getInt("given")));
                etaKnown = false;
            }
        }

        void read(ResultSet rows) throws SQLException {
            while (rows.next()) {
                var group = new io.lockkeeper.environment.LockGroup(rows.getString("lock_group"));
                int ahead = rows.getInt("ahead");
                RunId holder = RunRows.runIdOrNull(rows, "holder_id");
                position = Math.max(position, ahead + 1);
                queueLength = Math.max(queueLength, rows.getInt("queued") + (holder == null ? 0 : 1));
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
                estimate(rows, since, ahead);
            }
        }

        private void estimate(ResultSet rows, @Nullable Instant since, int ahead) throws SQLException {
            Duration heldFor = since == null ? null : Duration.between(since, RunRows.instant(rows, "at"));
            OptionalLong seconds =
                    new Turn(rows.getObject("usual_hold_seconds", Double.class), heldFor).secondsBehind(ahead);
            etaKnown &= seconds.isPresent();
            etaSeconds = Math.max(etaSeconds, seconds.orElse(0));
        }

        Standing standing() {
            return new Standing(position, queueLength, blockers, etaKnown ? Duration.ofSeconds(etaSeconds) : null);
        }
    }
}
