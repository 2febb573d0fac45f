package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What every transition keeps to: locks first, then one snapshot and one instant, and writes that meet what was planned on. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TransitionTest {
    private final Fixture lockkeeper = new Fixture();
    private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void close() {
        background.close();
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-6")
    void time_is_read_after_the_lock_and_not_when_the_transaction_began_to_wait_for_it() throws Exception {
        Instant unlocked;
        Future<Run> acquire;
        try (HeldLock held = hold("production")) {
            acquire = background.submit(() -> lockkeeper.acquire("production"));
            held.awaitWaiting(1);
            Instant waiting = lockkeeper.databaseNow();
            Fixture.await(() -> lockkeeper.databaseNow().isAfter(waiting.plusMillis(50)));
            unlocked = lockkeeper.databaseNow();
        }

        Run run = acquire.get(20, TimeUnit.SECONDS);

        assertThat(run.requireGrant().at()).isAfterOrEqualTo(unlocked);
        assertThat(run.createdAt()).isEqualTo(run.requireGrant().at());
        assertThat(run.requireGrant().expiresAt())
                .isEqualTo(run.requireGrant().at().plus(run.lease()));
    }

    @Test
    @Tag("invariant-6")
    void lease_that_ran_out_while_the_heartbeat_waited_for_the_lock_is_lost() throws Exception {
        Run run = lockkeeper.acquire("production");
        Future<RunOutcome> heartbeat;
        try (HeldLock held = hold("production")) {
            heartbeat = background.submit(() -> lockkeeper.heartbeat(run));
            held.awaitWaiting(1);
            lockkeeper.jdbc.update(
                    "UPDATE run SET lease_expires_at = clock_timestamp() WHERE id = ?",
                    run.id().value());
        }

        assertThat(heartbeat.get(20, TimeUnit.SECONDS)).isInstanceOf(RunOutcome.LeaseLost.class);
    }

    @Test
    @Tag("invariant-5")
    void decision_is_made_on_what_is_so_after_the_lock() throws Exception {
        Run holder = lockkeeper.acquire("production");
        Future<Run> acquire;
        try (HeldLock held = hold("production")) {
            acquire = background.submit(() -> lockkeeper.acquire("production"));
            held.awaitWaiting(1);
            // What a transition that came before would have done.
            lockkeeper.jdbc.update(
                    "UPDATE run SET status = 'success', status_reason = 'by hand', completed_at = now() WHERE id = ?",
                    holder.id().value());
        }

        assertThat(acquire.get(20, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-5")
    void every_transition_waits_for_the_lock_of_its_group() throws Exception {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        Run leaving = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofHours(1), leaving);
        List<Callable<Object>> transitions = List.of(
                () -> lockkeeper.acquire(Fixture.request("production").high()),
                () -> lockkeeper.heartbeat(holder),
                () -> lockkeeper.touch(queued),
                () -> lockkeeper.cancel(queued),
                () -> lockkeeper.release(holder));
        List<Future<Object>> answers;
        try (HeldLock held = hold("production")) {
            answers = transitions.stream().map(background::submit).toList();
            held.awaitWaiting(transitions.size());
            assertThat(lockkeeper.coordinator.sweep())
                    .as("the sweeper does not wait: it leaves the group to whoever has the lock")
                    .isZero();
            assertThat(lockkeeper.now(holder)).isEqualTo(holder);
            assertThat(lockkeeper.status(leaving)).isEqualTo(RunStatus.QUEUED);
            assertThat(answers).noneMatch(Future::isDone);
        }
        for (Future<Object> answer : answers) {
            answer.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    @Tag("invariant-5")
    void check_waits_for_nobody() throws Exception {
        lockkeeper.acquire("production");
        try (HeldLock held = hold("production")) {
            assertThat(held.isHeld()).isTrue();
            assertThat(background
                            .submit(() -> lockkeeper.coordinator.check(
                                    Fixture.request("production").build()))
                            .get(20, TimeUnit.SECONDS))
                    .isEqualTo(new QueueCheck(1, null, false, null));
        }
    }

    @Test
    @Tag("invariant-7")
    void transitions_commit_to_disk_and_read_what_is_committed_whatever_the_defaults_of_the_database() {
        lockkeeper.jdbc.execute("""
                DO $$ BEGIN
                    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', current_database(), 'repeatable read');
                    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
                END $$""");
        lockkeeper.jdbc.execute("CREATE TABLE witness (wrote text, isolation text, synchronous_commit text)");
        lockkeeper.jdbc.execute("""
                CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO witness VALUES (
                        TG_TABLE_NAME || ' ' || TG_OP, current_setting('transaction_isolation'), current_setting('synchronous_commit'));
                    RETURN NULL;
                END $$""");
        for (String table : List.of("run", "sweeper")) {
            lockkeeper.jdbc.execute("CREATE TRIGGER witness AFTER INSERT OR UPDATE ON " + table
                    + " FOR EACH ROW EXECUTE FUNCTION witness()");
        }

        try (Fixture later = new Fixture(lockkeeper.database)) {
            assertThat(later.jdbc.queryForObject("SHOW synchronous_commit", String.class))
                    .isEqualTo("off");
            assertThat(later.jdbc.queryForObject("SHOW transaction_isolation", String.class))
                    .isEqualTo("repeatable read");
            Run holder = later.acquire("production");
            Run queued = later.acquire("production");
            later.touch(queued);
            later.heartbeat(holder);
            later.cancel(holder);
            later.release(holder);
            later.sweep();
            later.sweep();
            later.release(queued);
            later.acquire("production");
        }

        assertThat(lockkeeper.jdbc.queryForList(
                        "SELECT DISTINCT wrote || ', ' || isolation || ', ' || synchronous_commit FROM witness",
                        String.class))
                .containsExactlyInAnyOrder(
                        "run INSERT, read committed, on",
                        "run UPDATE, read committed, on",
                        "sweeper UPDATE, read committed, on");
    }

    @Test
    @Tag("invariant-4")
    void environment_that_moves_to_another_group_while_a_transition_waits_is_locked_where_it_went() throws Exception {
        lockkeeper.share("deploy", "staging");
        lockkeeper.share("production", "production");
        Run holder = lockkeeper.acquire("staging");
        Future<Run> acquire;
        try (HeldLock held = hold("production")) {
            acquire = background.submit(() -> lockkeeper.acquire("production"));
            held.awaitWaiting(1);
            lockkeeper.share("deploy", "production");
        }

        Run queued = acquire.get(20, TimeUnit.SECONDS);

        assertThat(queued.lockGroups()).isEqualTo(holder.lockGroups());
        assertThat(queued.status()).isEqualTo(RunStatus.QUEUED);
        lockkeeper.release(holder);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-2")
    void write_that_meets_another_grant_than_it_was_planned_on_fails_whole() {
        Run run = lockkeeper.acquire("production");
        Run waiting = lockkeeper.acquire("production");
        Run imagined = imagine(run, run.requireGrant().fencingToken().value() + 1);
        List<Change> changes = List.of(
                new Change.Renew(imagined),
                new Change.RequestCancel(imagined, CancelCause.ADMIN, "by hand"),
                new Change.End(imagined, RunStatus.SUCCESS, "released by its client", null, null),
                new Change.KeepReport(imagined, new Report(Report.Result.SUCCESS, null)),
                new Change.GrantQueued(run, null), // It holds already.
                new Change.End(imagine(waiting, 4711), RunStatus.CANCELLED, "left the queue", null, null));

        for (Change change : changes) {
            assertThat(refusalOf(change)).as("%s", change).isEqualTo("LK001");
        }
        assertThat(lockkeeper.now(run).requireGrant()).isEqualTo(run.requireGrant());
        assertThat(lockkeeper.status(waiting)).isEqualTo(RunStatus.QUEUED);
    }

    /** The group's advisory lock in the hands of a connection of the test's own. */
    private final class HeldLock implements AutoCloseable {
        private final Connection connection;

        HeldLock(String group) throws SQLException {
            connection = lockkeeper.database.dataSource().getConnection();
            try (var lock = connection.prepareStatement("SELECT pg_advisory_lock(group_lock_key(?))")) {
                lock.setString(1, group);
                lock.execute();
            }
        }

        void awaitWaiting(int transitions) {
            lockkeeper.awaitWaiting(transitions);
        }

        boolean isHeld() {
            return lockkeeper.advisoryLocks(true) == 1;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    private HeldLock hold(String group) throws SQLException {
        return new HeldLock(group);
    }

    /** Plans on what is not so, which only a defect could: the SQL state of the refusal. */
    private String refusalOf(Change change) {
        Snapshot snapshot = new Snapshot(
                lockkeeper.databaseNow(),
                lockkeeper.databaseNow(),
                Set.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                Snapshot.Found.NOTHING,
                null,
                Snapshot.WINDOW);
        AtomicReference<String> state = new AtomicReference<>("executed");
        new Transactions(lockkeeper.jdbc).run(connection -> {
            RoundTrip write = new RoundTrip();
            new ChangeWriter(snapshot, Fixture.TIMING).add(write, change);
            try {
                write.run(connection);
            } catch (SQLException refused) {
                state.set(requireNonNull(refused.getSQLState()));
            }
            return state;
        });
        return state.get();
    }

    private static Run imagine(Run run, long fencingToken) {
        Instant at = run.createdAt();
        return new Run(
                run.id(),
                run.environments(),
                run.lockGroups(),
                run.status(),
                null,
                run.priority(),
                run.coverage(),
                run.lease(),
                at,
                at,
                null,
                at,
                null,
                null,
                new Grant(new FencingToken(fencingToken), at, at, at, null, null, null),
                run.seal(),
                run.requestDigest(),
                run.batchKey(),
                run.caller(),
                false,
                0,
                Set.of(),
                null,
                null,
                null,
                run.details(),
                null);
    }
}
