package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessException;

/**
 * Many clients of two replicas at once on a few environments, alone and in combinations named in any order. Each client that is told it may
 * deploy writes its name where only the holder may; what the database has recorded is counted afterwards. Some clients lose patience, some
 * die, and now and then the sweepers must believe that nobody could be heard.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RaceTest {
    private static final List<String> ENVIRONMENTS = List.of("dev", "preprod", "production");
    private static final int CLIENTS = 12;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Fixture one = new Fixture();
    private final Fixture two = new Fixture(one.database);
    private final Map<String, Long> sites = new ConcurrentHashMap<>();
    private final Set<RunId> dead = ConcurrentHashMap.newKeySet();
    private final Queue<String> overlaps = new ConcurrentLinkedQueue<>();

    @AfterEach
    void close() {
        two.close();
        one.close();
    }

    @Test
    @Tag("invariant-1")
    @Tag("invariant-2")
    @Tag("invariant-3")
    @Tag("invariant-4")
    @Tag("invariant-11")
    void never_two_holders_nor_a_token_twice_nor_out_of_order_under_two_replicas() throws Exception {
        hammer(40, false);

        assertNothingIsBroken();
        assertThat(one.jdbc.queryForObject("SELECT count(*) FROM run", Integer.class))
                .isEqualTo(CLIENTS * 40);
        assertThat(one.jdbc.queryForObject(
                        "SELECT count(*) FROM run WHERE status IN ('success', 'failure')", Integer.class))
                .as("most runs deployed")
                .isGreaterThan(CLIENTS * 40 / 2);
    }

    /** As far as connections go: a client whose answer was lost asks again under the same key. */
    @Test
    @Tag("invariant-8")
    @Tag("invariant-12")
    void killed_connections_lose_and_double_nothing() throws Exception {
        hammer(20, true);

        assertNothingIsBroken();
        assertThat(one.jdbc.queryForObject("SELECT count(*) FROM run", Integer.class))
                .as("a run for each key, although requests were repeated")
                .isEqualTo(CLIENTS * 20);
    }

    private void hammer(int runsEach, boolean killConnections) throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> background = new ArrayList<>();
            for (Fixture replica : List.of(one, two)) {
                background.add(threads.submit(() -> repeat(done, () -> retried(replica.coordinator::sweep))));
            }
            background.add(threads.submit(() -> repeat(done, () -> retried(this::timePassesForTheDead))));
            background.add(threads.submit(() -> repeat(done, () -> retried(this::outageNowAndThen))));
            if (killConnections) {
                background.add(threads.submit(() -> repeat(done, this::killSomeConnections)));
            }
            List<Future<?>> clients = new ArrayList<>();
            for (int number = 0; number < CLIENTS; number++) {
                int client = number;
                clients.add(threads.submit(() -> {
                    deployAgainAndAgain(client, runsEach);
                    return client;
                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }
            done.set(true);
            for (Future<?> each : background) {
                each.get();
            }
            // Those that were killed last are still in the pool, and nobody repeats what follows.
            one.forgetConnections();
            one.sweptNow();
            timePassesForTheDead();
            one.sweep();
        }
    }

    private void deployAgainAndAgain(int client, int runsEach) throws Exception {
        Random random = new Random(client);
        Fixture replica = client % 2 == 0 ? one : two;
        for (int number = 0; number < runsEach; number++) {
            Fixture.Ask ask = Fixture.request(someEnvironments(random))
                    .unbatched()
                    .key(client + "-" + number)
                    .lease(Duration.ofMinutes(5));
            AcquireRequest request = (random.nextInt(10) == 0 ? ask.high() : ask).build();
            Run run = decided(replica, retried(() -> acquire(replica, request)), random);
            if (run.status() == RunStatus.IN_PROGRESS) {
                deploy(replica, run, random);
            }
        }
    }

    private static String[] someEnvironments(Random random) {
        List<String> all = new ArrayList<>(ENVIRONMENTS);
        Collections.shuffle(all, random);
        int count = random.nextInt(4) == 0 ? 2 + random.nextInt(2) : 1;
        return all.subList(0, count).toArray(String[]::new);
    }

    private static Run acquire(Fixture replica, AcquireRequest request) {
        return switch (replica.coordinator.acquire(request)) {
            case AcquireOutcome.Granted granted -> granted.report().run();
            case AcquireOutcome.Queued queued -> queued.report().run();
            case AcquireOutcome.Replayed replayed -> replayed.report().run();
            case AcquireOutcome other -> throw new AssertionError(other);
        };
    }

    /** Waits until the run is granted; some clients lose patience on the way. */
    private Run decided(Fixture replica, Run acquired, Random random) throws Exception {
        boolean impatient = random.nextInt(8) == 0;
        boolean dies = random.nextInt(12) == 0;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        Run run = acquired;
        while (run.status().isWaiting()) {
            assertThat(System.nanoTime())
                    .as("run %s is decided in time", run.id())
                    .isLessThan(deadline);
            if (dies) {
                dead.add(run.id());
                return run;
            }
            if (impatient) {
                LockProof proof = Fixture.proof(run);
                boolean cancels = random.nextBoolean();
                retried(() -> cancels
                        ? replica.coordinator.cancel(proof, "lost patience")
                        : replica.coordinator.release(proof, new Report(Report.Result.CANCELLED, null)));
                RunId id = run.id();
                return retried(() -> replica.run(id));
            }
            LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
            Run asked = run;
            run = retried(() -> replica.touch(asked).run());
        }
        return run;
    }

    private void deploy(Fixture replica, Run run, Random random) throws Exception {
        long me = run.id().value();
        for (var group : run.lockGroups()) {
            Long other = sites.putIfAbsent(group.name(), me);
            if (other != null) {
                overlaps.add("runs " + other + " and " + me + " in " + group);
            }
        }
        if (random.nextBoolean()) {
            RunOutcome renewed = retried(() -> replica.coordinator.heartbeat(Fixture.proof(run)));
            if (!(renewed instanceof RunOutcome.Renewed)) {
                overlaps.add("run " + me + " lost its lease: " + renewed);
            }
        }
        for (var group : run.lockGroups()) {
            sites.remove(group.name(), me);
        }
        if (random.nextInt(12) == 0) {
            dead.add(run.id());
            return;
        }
        Report.Result result = random.nextInt(5) == 0 ? Report.Result.FAILURE : Report.Result.SUCCESS;
        retried(() -> replica.coordinator.release(Fixture.proof(run), new Report(result, null)));
    }

    /** Whoever has died is soon missed; what may take half an hour is a moment here. */
    private int timePassesForTheDead() {
        return one.jdbc.update("""
                UPDATE run
                SET presence_expires_at = statement_timestamp(),
                    lease_expires_at = CASE WHEN status = 'in_progress' THEN statement_timestamp() END
                WHERE id = ANY (?) AND status IN ('queued', 'in_progress')""", (Object) dead.stream().map(RunId::value).toArray(Long[]::new));
    }

    private int outageNowAndThen() {
        one.outage();
        LockSupport.parkNanos(Duration.ofMillis(150).toNanos());
        return 0;
    }

    private int killSomeConnections() {
        try {
            one.jdbc.queryForList("""
                    SELECT pg_terminate_backend(pid)
                    FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.1""");
        } catch (DataAccessException e) {
            // Its own connection may be one that was killed a moment ago.
            LockSupport.parkNanos(1);
        }
        LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        return 0;
    }

    /** As a client does: the same request again when the answer was lost. */
    private static <T> T retried(Callable<T> request) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return request.call();
            } catch (DataAccessException e) {
                assertThat(e).as("a deadlock is a defect").hasMessageNotContaining("deadlock");
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    private static <T> T repeat(AtomicBoolean done, Callable<T> task) throws Exception {
        T last = task.call();
        while (!done.get()) {
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
            last = task.call();
        }
        return last;
    }

    private void assertNothingIsBroken() {
        assertThat(overlaps).isEmpty();
        assertThat(one.jdbc.queryForList("""
                SELECT earlier.run_id AS one, later.run_id AS other
                FROM (SELECT c.lock_group, c.run_id, r.fencing_token, r.completed_at,
                             lead(c.run_id) OVER (PARTITION BY c.lock_group ORDER BY r.fencing_token) AS next
                      FROM claim c JOIN run r ON r.id = c.run_id
                      WHERE r.fencing_token IS NOT NULL) AS earlier
                JOIN run later_run ON later_run.id = earlier.next
                JOIN claim later ON later.run_id = later_run.id AND later.lock_group = earlier.lock_group
                WHERE later_run.granted_at < earlier.completed_at"""))
                .as("invariant 1: grants of a group that overlap")
                .isEmpty();
        assertThat(one.jdbc.queryForList("""
                SELECT *
                FROM (SELECT c.lock_group, r.id, r.fencing_token,
                             row_number() OVER (PARTITION BY c.lock_group, r.priority ORDER BY r.id) AS asked,
                             row_number() OVER (PARTITION BY c.lock_group, r.priority ORDER BY r.fencing_token) AS granted
                      FROM claim c JOIN run r ON r.id = c.run_id
                      WHERE r.fencing_token IS NOT NULL) AS orders
                WHERE asked <> granted"""))
                .as("invariants 2 and 3: grants out of order")
                .isEmpty();
        assertThat(one.jdbc.queryForList(
                        "SELECT id, status FROM run WHERE completed_at IS NULL OR status_reason IS NULL"))
                .as("invariant 11: runs without an end or a reason")
                .isEmpty();
        assertThat(one.jdbc.queryForList(
                        "SELECT run_id FROM claim JOIN run ON id = run_id WHERE claim.status <> run.status"))
                .as("invariant 4: claims that do not follow their run")
                .isEmpty();
    }
}
