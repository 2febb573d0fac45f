package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.environment.LockGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs over several environments, and environments that share a lock group. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SeveralEnvironmentsTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-4")
    void run_is_granted_all_its_environments_or_none() {
        Run staging = lockkeeper.acquire("staging");

        Run both = lockkeeper.acquire("production", "staging");

        assertThat(both.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(holders()).containsExactly("staging " + staging.id());
        lockkeeper.release(staging);
        assertThat(holders()).containsExactly("production " + both.id(), "staging " + both.id());
    }

    @Test
    @Tag("invariant-4")
    void run_has_one_fencing_token_above_the_last_of_each_of_its_groups() {
        Run production = lockkeeper.acquire("production");
        lockkeeper.release(production);
        Run staging = lockkeeper.acquire("staging");
        lockkeeper.release(staging);

        Run both = lockkeeper.acquire("staging", "production");

        assertThat(both.requireGrant().fencingToken().value())
                .isGreaterThan(staging.requireGrant().fencingToken().value());
        assertThat(lockkeeper.jdbc.queryForList("SELECT DISTINCT last_fencing_token FROM lock_group", Long.class))
                .containsExactly(both.requireGrant().fencingToken().value());
    }

    @Test
    @Tag("invariant-4")
    void release_of_a_run_frees_all_its_groups_at_once() {
        Run both = lockkeeper.acquire("production", "staging");
        Run production = lockkeeper.acquire("production");
        Run staging = lockkeeper.acquire("staging");

        lockkeeper.release(both);

        assertThat(holders()).containsExactly("production " + production.id(), "staging " + staging.id());
    }

    /** The documented cost of fairness: staging is free and yet waits, since the run ahead would otherwise never see both free. */
    @Test
    @Tag("invariant-3")
    void no_run_overtakes_a_waiting_one_in_a_group_that_is_free() {
        Run production = lockkeeper.acquire("production");
        Run both = lockkeeper.acquire("production", "staging");

        Run staging = lockkeeper.acquire("staging");

        assertThat(staging.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.standing(staging).blockers())
                .containsExactly(new Blocker.Queue(new LockGroup("staging"), 1, List.of(both.id())));
        lockkeeper.release(production);
        assertThat(holders()).containsExactly("production " + both.id(), "staging " + both.id());
        lockkeeper.release(both);
        assertThat(holders()).containsExactly("staging " + staging.id());
    }

    @Test
    @Tag("invariant-3")
    void run_behind_one_that_leaves_is_granted_at_once_in_a_free_group() {
        lockkeeper.acquire("production");
        Run both = lockkeeper.acquire("production", "staging");
        Run staging = lockkeeper.acquire("staging");

        lockkeeper.cancel(both);

        assertThat(lockkeeper.status(staging)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void high_priority_passes_a_normal_run_that_waits_for_another_group() {
        lockkeeper.acquire("production");
        Run both = lockkeeper.acquire("production", "staging");

        Run hotfix = lockkeeper.acquire(Fixture.request("staging").high());

        assertThat(hotfix.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(both)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void standing_is_the_worst_of_all_its_groups_and_names_every_blocker() {
        Run production = lockkeeper.acquire("production");
        Run staging = lockkeeper.acquire("staging");
        Run ahead = lockkeeper.acquire("staging");
        Run both = lockkeeper.acquire("production", "staging");

        Standing standing = lockkeeper.standing(both);

        assertThat(standing.position()).isEqualTo(2);
        assertThat(standing.queueLength()).isEqualTo(3);
        assertThat(standing.blockers())
                .extracting(blocker -> switch (blocker) {
                    case Blocker.Holder holder -> holder.lockGroup() + " held by " + holder.run();
                    case Blocker.Queue queue -> queue.lockGroup() + " queue " + queue.runs();
                    case Blocker other -> other.toString();
                })
                .containsExactlyInAnyOrder(
                        "production held by " + production.id(),
                        "staging held by " + staging.id(),
                        "staging queue [" + ahead.id() + "]");
    }

    @Test
    void fail_fast_names_the_group_that_is_held_and_not_another_of_the_holder() {
        lockkeeper.acquire("a-first", "staging");

        AcquireOutcome outcome = lockkeeper.coordinator.acquire(
                Fixture.request("production", "staging").failFast().build());

        assertThat(outcome)
                .isInstanceOfSatisfying(
                        AcquireOutcome.Held.class,
                        held -> assertThat(held.blockers())
                                .singleElement()
                                .isInstanceOfSatisfying(
                                        Blocker.Holder.class,
                                        holder -> assertThat(holder.lockGroup()).isEqualTo(new LockGroup("staging"))));
    }

    @Test
    void overdue_run_with_a_group_that_nobody_locked_yet_is_ended_in_all_its_groups() {
        Run dead = lockkeeper.acquire("production", "staging");
        lockkeeper.passes(dead.lease(), dead);

        Run next = lockkeeper.acquire("staging");

        assertThat(next.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(dead)).isEqualTo(RunStatus.EXPIRED);
        assertThat(holders()).containsExactly("staging " + next.id());
    }

    @Test
    @Tag("invariant-4")
    void long_chain_of_runs_that_wait_for_each_others_groups_is_decided() {
        // Each waits for the one before it, and the first for the holder: to decide about the last, all locks are
        // needed.
        Run holder = lockkeeper.acquire("e0");
        Run last = holder;
        for (int i = 0; i < 40; i++) {
            last = lockkeeper.acquire("e" + i, "e" + (i + 1));
            assertThat(last.status()).isEqualTo(RunStatus.QUEUED);
        }

        Run behind = lockkeeper.acquire("e40");

        assertThat(behind.status()).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    @Tag("invariant-4")
    void opposite_orders_never_wait_for_each_other() throws Exception {
        try (Fixture replica = new Fixture(lockkeeper.database);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch start = new CountDownLatch(1);
            List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Fixture mine = i % 2 == 0 ? lockkeeper : replica;
                String[] order = i % 2 == 0
                        ? new String[] {"production", "qa", "staging"}
                        : new String[] {"staging", "qa", "production"};
                clients.add(threads.submit(() -> {
                    start.await();
                    for (int round = 0; round < 10; round++) {
                        Run run = mine.acquire(Fixture.request(order).unbatched());
                        if (run.status() == RunStatus.IN_PROGRESS) {
                            mine.release(run);
                        }
                    }
                    return mine;
                }));
            }
            start.countDown();
            for (Future<?> client : clients) {
                client.get(60, TimeUnit.SECONDS); // A deadlock would be an exception here.
            }
        }
        for (Run run = holder(); run != null; run = holder()) {
            lockkeeper.release(run);
        }
        assertThat(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM run WHERE status = 'success'", Long.class))
                .isEqualTo(80);
    }

    @Test
    @Tag("invariant-1")
    void environments_that_share_a_lock_group_do_not_race() {
        lockkeeper.share("deploy-production", "production", "production-auto");
        Run manual = lockkeeper.acquire("production");
        Run automatic = lockkeeper.acquire("production-auto");

        assertThat(automatic.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(manual.lockGroups()).containsExactly(new LockGroup("deploy-production"));
        lockkeeper.release(manual);
        assertThat(lockkeeper.status(automatic)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void run_over_environments_of_one_lock_group_has_one_claim() {
        lockkeeper.share("deploy-production", "production", "production-auto");

        Run run = lockkeeper.acquire("production", "staging", "production-auto");

        assertThat(run.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(run.environments())
                .extracting(Object::toString)
                .containsExactly("production", "staging", "production-auto");
        assertThat(run.lockGroups()).isEqualTo(Set.of(new LockGroup("deploy-production"), new LockGroup("staging")));
        assertThat(holders()).containsExactly("deploy-production " + run.id(), "staging " + run.id());
    }

    @Test
    void first_run_makes_its_environments_and_says_which() {
        lockkeeper.acquire("staging");

        AcquireOutcome outcome = lockkeeper.coordinator.acquire(
                Fixture.request("production", "staging", "qa").build());

        assertThat(outcome)
                .isInstanceOfSatisfying(
                        AcquireOutcome.Queued.class,
                        queued -> assertThat(queued.created())
                                .extracting(Object::toString)
                                .containsExactly("production", "qa"));
    }

    private List<@Nullable String> holders() {
        return lockkeeper.jdbc.queryForList(
                "SELECT lock_group || ' ' || run_id FROM claim WHERE status = 'in_progress' ORDER BY lock_group",
                String.class);
    }

    private @Nullable Run holder() {
        List<Run> found = lockkeeper.jdbc.query(
                "SELECT id FROM run WHERE status = 'in_progress'",
                (row, number) -> lockkeeper.run(new RunId(row.getLong("id"))));
        return found.isEmpty() ? null : requireNonNull(found.getFirst());
    }
}
