package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.environment.EnvironmentName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;

/** One replica's coordination on a database of the test's own. */
final class Fixture implements AutoCloseable {
    static final QueueTiming TIMING = new QueueTiming(Duration.ofMinutes(2), Duration.ofMinutes(1));

    static final int POOL_SIZE = 10;
    static final Duration PATIENCE = Duration.ofSeconds(20);

    final TestDatabase database;
    final HikariDataSource pool;
    final JdbcTemplate jdbc;
    final RunReader reader;
    final Coordinator coordinator;
    final Administration administration;
    final Queue<Wake> wakes = new ConcurrentLinkedQueue<>();
    /** What the observers of this replica were told. */
    final Queue<Effects> effects = new ConcurrentLinkedQueue<>();

    Fixture() {
        this(TestDatabase.migrated());
        sweptNow();
    }

    /** Another replica on the same database. */
    Fixture(TestDatabase database) {
        this.database = database;
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setUsername(database.username());
        config.setPassword(database.password());
        config.setMaximumPoolSize(POOL_SIZE);
        pool = new HikariDataSource(config);
        jdbc = new JdbcTemplate(pool);
        reader = new RunReader(jdbc, TIMING);
        Execution execution = new Execution(jdbc, TIMING, true, wakes::add, List.of(effects::add));
        coordinator = new Coordinator(execution, reader);
        administration = new Administration(execution, JdbcClient.create(jdbc));
    }

    @Override
    public void close() {
        pool.close();
    }

    /** Nothing that follows meets a connection that was opened before. */
    void forgetConnections() {
        pool.getHikariPoolMXBean().softEvictConnections();
    }

    void passes(Duration time, Run run) {
        passes(time, run.id());
    }

    /** Time passes for one run: every instant stored with it moves into the past. */
    void passes(Duration time, RunId run) {
        jdbc.update(
                """
                UPDATE run
                SET created_at = created_at - make_interval(secs => ?),
                    granted_at = granted_at - make_interval(secs => ?),
                    picked_up_at = picked_up_at - make_interval(secs => ?),
                    queue_expires_at = queue_expires_at - make_interval(secs => ?),
                    presence_expires_at = presence_expires_at - make_interval(secs => ?),
                    lease_expires_at = lease_expires_at - make_interval(secs => ?)
                WHERE id = ?""",
                time.toSeconds(),
                time.toSeconds(),
                time.toSeconds(),
                time.toSeconds(),
                time.toSeconds(),
                time.toSeconds(),
                run.value());
    }

    /** A replica has just swept, so that what clients did is believed: no outage. */
    void sweptNow() {
        jdbc.update("UPDATE sweeper SET last_swept_at = statement_timestamp()");
    }

    /** No replica has swept for so long that clients may have asked in vain. */
    void outage() {
        jdbc.update("UPDATE sweeper SET last_swept_at = statement_timestamp() - interval '1 minute'");
    }

    /** What the sweeper of a replica does once a second. */
    void sweep() {
        while (coordinator.sweep() > 0) {}
    }

    /** The database's clock, which goes on within a transaction. */
    Instant databaseNow() {
        return requireNonNull(jdbc.queryForObject("SELECT clock_timestamp()", OffsetDateTime.class))
                .toInstant();
    }

    /** Until so many transitions wait for the lock of a group. */
    void awaitWaiting(int transitions) {
        await(() -> advisoryLocks(false) == transitions);
    }

    long advisoryLocks(boolean granted) {
        return requireNonNull(jdbc.queryForObject("""
                SELECT count(*)
                FROM pg_locks
                WHERE locktype = 'advisory'
                  AND granted = ?
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""", Long.class, granted));
    }

    /** A connection of its own, to hold something fast. */
    Connection connection() throws SQLException {
        return pool.getConnection();
    }

    /** Whether a connection to the database waits for a lock of this kind ({@code transactionid} for a row, {@code advisory}). */
    boolean isWaiting(String kind) {
        return Boolean.TRUE.equals(jdbc.queryForObject("""
                SELECT EXISTS (SELECT FROM pg_stat_activity
                               WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = ?)""", Boolean.class, kind));
    }

    static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the condition did not come true in time");
            }
            Thread.onSpinWait();
        }
    }

    /** Two environments that must not race share a lock group. */
    void share(String lockGroup, String... environments) {
        jdbc.update("INSERT INTO lock_group (name) VALUES (?) ON CONFLICT DO NOTHING", lockGroup);
        for (String environment : environments) {
            jdbc.update("""
                INSERT INTO environment (name, lock_group, created_at) VALUES (?, ?, statement_timestamp())
                ON CONFLICT (name) DO UPDATE SET lock_group = EXCLUDED.lock_group""", environment, lockGroup);
        }
    }

    Run run(RunId id) {
        return reader.find(id).orElseThrow().run();
    }

    /** The run as it is now. */
    Run now(Run run) {
        return run(run.id());
    }

    RunStatus status(RunId id) {
        return run(id).status();
    }

    RunStatus status(Run run) {
        return status(run.id());
    }

    Deploy deploy(Run run) {
        return requireNonNull(reader.find(run.id()).orElseThrow().deploy());
    }

    Standing standing(Run run) {
        return requireNonNull(
                reader.withStanding(reader.find(run.id()).orElseThrow()).standing());
    }

    Run acquire(String... environments) {
        return acquire(request(environments));
    }

    Run acquire(Ask ask) {
        return switch (coordinator.acquire(ask.build())) {
            case AcquireOutcome.Granted granted -> granted.report().run();
            case AcquireOutcome.Queued queued -> queued.report().run();
            case AcquireOutcome.Skipped skipped -> skipped.report().run();
            case AcquireOutcome.Replayed replayed -> replayed.report().run();
            case AcquireOutcome.Held held -> throw new AssertionError("held: " + held);
            case AcquireOutcome.HeldBackNow _,
                    AcquireOutcome.ApprovalRequired _,
                    AcquireOutcome.PromotionRequired _,
                    AcquireOutcome.EnvironmentsUnknown _ -> throw new AssertionError("refused");
            case AcquireOutcome.KeyReused reused -> throw new AssertionError("reused: " + reused);
        };
    }

    /** What a run that was skipped at the threshold is told. */
    static Batch receipt(RunId into, boolean covered, @Nullable RunId shippedBy) {
        return new Batch(into, covered, shippedBy, SkipReason.BATCH_THRESHOLD);
    }

    RunOutcome release(Run run) {
        return release(run, Report.Result.SUCCESS, null);
    }

    RunOutcome release(Run run, Report.Result result, @Nullable String deployedSha) {
        return coordinator.release(proof(run), new Report(result, deployedSha));
    }

    RunOutcome heartbeat(Run run) {
        return coordinator.heartbeat(proof(run));
    }

    RunOutcome cancel(Run run) {
        return coordinator.cancel(proof(run), "changed my mind");
    }

    RunReport touch(Run run) {
        return reader.touch(proof(run)).orElseThrow();
    }

    static LockProof proof(Run run) {
        return new LockProof(run.id(), run.seal().digest());
    }

    static Ask request(String... environments) {
        return new Ask(environments);
    }

    /** An acquire with defaults. */
    static final class Ask {
        private final List<EnvironmentName> environments;
        private Mode mode = Mode.WAIT;
        private boolean batch = true;
        private Coverage coverage = Coverage.PINNED;
        private Priority priority = Priority.NORMAL;
        private @Nullable Duration queueTimeout;
        private @Nullable Duration lease;
        private @Nullable String key;
        private @Nullable String sha;
        private @Nullable String repository;
        private @Nullable String ref;
        private String caller = "tester";
        private boolean passesFreeze;
        private String body = "{}";

        Ask(String... environments) {
            this.environments =
                    Arrays.stream(environments).map(EnvironmentName::new).toList();
        }

        Ask failFast() {
            mode = Mode.FAIL_FAST;
            return this;
        }

        Ask unbatched() {
            batch = false;
            return this;
        }

        Ask latest() {
            coverage = Coverage.LATEST;
            return this;
        }

        Ask high() {
            priority = Priority.HIGH;
            return this;
        }

        Ask passingFreezes() {
            passesFreeze = true;
            return high();
        }

        Ask lease(Duration value) {
            lease = value;
            return this;
        }

        Ask queueTimeout(Duration value) {
            queueTimeout = value;
            return this;
        }

        Ask key(String value) {
            key = value;
            return this;
        }

        Ask body(String value) {
            body = value;
            return this;
        }

        Ask sha(String value) {
            sha = value;
            return this;
        }

        Ask repository(String value) {
            repository = value;
            return this;
        }

        Ask ref(String value) {
            ref = value;
            return this;
        }

        Ask caller(String value) {
            caller = value;
            return this;
        }

        AcquireRequest build() {
            UUID nonce = UUID.randomUUID();
            RunDetails details =
                    new RunDetails(sha, ref, repository, null, null, null, "alice", null, null, null, null, null);
            return new AcquireRequest(
                    environments,
                    mode,
                    queueTimeout,
                    lease,
                    batch,
                    coverage,
                    priority,
                    passesFreeze,
                    details,
                    caller,
                    key,
                    Sha256.of(body),
                    new LockTokenSeal(nonce, Sha256.of("secret of " + nonce)));
        }
    }
}
