package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a waiting run may rely on: its place, its deadlines, and what it is told meanwhile. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class QueueTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-1")
    void first_run_is_granted_and_the_second_waits_for_it() {
        Run first = lockkeeper.acquire("production");
        Run second = lockkeeper.acquire("production");

        assertThat(first.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(second.status()).isEqualTo(RunStatus.QUEUED);

        lockkeeper.release(first);

        assertThat(lockkeeper.status(first)).isEqualTo(RunStatus.SUCCESS);
        assertThat(lockkeeper.now(second).awaitsPickUp()).isTrue();
        assertThat(lockkeeper.touch(second).run().awaitsPickUp()).isFalse();
    }

    @Test
    @Tag("invariant-3")
    void runs_are_granted_in_the_order_in_which_they_came() {
        Run holder = lockkeeper.acquire("production");
        List<Run> waiting = new ArrayList<>();
        for (int i = 0; i < 12; i++) { // More than one window of the queue.
            waiting.add(lockkeeper.acquire(Fixture.request("production").unbatched()));
        }

        for (Run next : waiting) {
            lockkeeper.release(holder);
            assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
            lockkeeper.touch(next);
            holder = next;
        }
    }

    @Test
    @Tag("invariant-3")
    void high_priority_is_served_first_and_in_its_own_order() {
        Run holder = lockkeeper.acquire("production");
        Run normal = lockkeeper.acquire("production");
        Run hotfix = lockkeeper.acquire(Fixture.request("production").high());
        Run rollback = lockkeeper.acquire(Fixture.request("production").high());

        assertThat(lockkeeper.standing(hotfix).position()).isEqualTo(1);
        assertThat(lockkeeper.standing(rollback).position()).isEqualTo(2);
        assertThat(lockkeeper.standing(normal).position()).isEqualTo(3);
        for (Run next : List.of(hotfix, rollback, normal)) {
            lockkeeper.release(holder);
            assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
            holder = next;
        }
    }

    @Test
    void high_priority_does_not_take_the_lock_from_its_holder() {
        Run holder = lockkeeper.acquire("production");
        Run hotfix = lockkeeper.acquire(Fixture.request("production").high());

        assertThat(hotfix.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.heartbeat(holder)).isInstanceOf(RunOutcome.Renewed.class);
    }

    @Test
    void queued_answer_says_who_blocks_the_position_and_the_length() {
        Run holder = lockkeeper.acquire("production");
        Run second = lockkeeper.acquire("production");
        AcquireOutcome third =
                lockkeeper.coordinator.acquire(Fixture.request("production").build());

        assertThat(third).isInstanceOfSatisfying(AcquireOutcome.Queued.class, queued -> {
            Standing standing = requireNonNull(queued.report().standing());
            assertThat(standing.position()).isEqualTo(2);
            assertThat(standing.queueLength()).isEqualTo(3);
            assertThat(standing.eta()).isNull();
            assertThat(standing.blockers()).hasSize(2);
            assertThat(standing.blockers().getFirst())
                    .isInstanceOfSatisfying(
                            Blocker.Holder.class,
                            blocker -> assertThat(blocker.run()).isEqualTo(holder.id()));
            assertThat(standing.blockers().getLast())
                    .isInstanceOfSatisfying(
                            Blocker.Queue.class,
                            blocker -> assertThat(blocker.runs()).containsExactly(second.id()));
        });
    }

    @Test
    void estimate_is_what_is_left_of_the_usual_time_and_one_such_time_for_each_run_ahead() {
        Run usual = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofMinutes(10), usual);
        lockkeeper.release(usual);

        Run holder = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofMinutes(4), holder);
        Run second = lockkeeper.acquire("production");
        Run third = lockkeeper.acquire("production");

        assertThat(requireNonNull(lockkeeper.standing(second).eta()))
                .isBetween(Duration.ofSeconds(340), Duration.ofMinutes(6));
        assertThat(requireNonNull(lockkeeper.standing(third).eta()))
                .isBetween(Duration.ofSeconds(940), Duration.ofMinutes(16));
    }

    @Test
    void fail_fast_is_told_who_holds_and_who_waits_and_leaves_no_run() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");

        AcquireOutcome outcome = lockkeeper.coordinator.acquire(
                Fixture.request("production").failFast().build());

        assertThat(outcome).isInstanceOfSatisfying(AcquireOutcome.Held.class, held -> {
            assertThat(held.blockers().getFirst())
                    .isInstanceOfSatisfying(
                            Blocker.Holder.class,
                            blocker -> assertThat(blocker.run()).isEqualTo(holder.id()));
            assertThat(held.blockers().getLast())
                    .isInstanceOfSatisfying(
                            Blocker.Queue.class,
                            blocker -> assertThat(blocker.runs()).containsExactly(queued.id()));
        });
        assertThat(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM run", Long.class))
                .isEqualTo(2);
    }

    @Test
    void fail_fast_makes_no_environment_that_it_does_not_get() {
        lockkeeper.acquire("production");

        assertThat(lockkeeper.coordinator.acquire(
                        Fixture.request("production", "brand-new").failFast().build()))
                .isInstanceOf(AcquireOutcome.Held.class);

        assertThat(lockkeeper.jdbc.queryForList("SELECT name FROM environment", String.class))
                .containsExactly("production");
    }

    @Test
    void fail_fast_takes_a_free_lock_also_from_one_whose_lease_is_over() {
        Run dead = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);

        assertThat(lockkeeper.acquire(Fixture.request("production").failFast()).status())
                .isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(dead)).isEqualTo(RunStatus.EXPIRED);
    }

    @Test
    void sweeper_ends_an_orphan_and_grants_the_next() {
        Run orphan = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofMinutes(31), orphan);

        lockkeeper.sweep();

        assertThat(lockkeeper.status(orphan)).isEqualTo(RunStatus.EXPIRED);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void sweeper_clears_a_long_queue_of_the_dead_and_grants_the_living_behind_it() {
        Run holder = lockkeeper.acquire("production");
        for (int i = 0; i < 130; i++) { // More than one sweep ends.
            lockkeeper.acquire(Fixture.request("production").unbatched());
        }
        lockkeeper.jdbc.update("UPDATE run SET presence_expires_at = statement_timestamp() WHERE status = 'queued'");
        Run living = lockkeeper.acquire(Fixture.request("production").unbatched());
        lockkeeper.jdbc.update(
                "UPDATE run SET presence_expires_at = statement_timestamp() WHERE status = 'queued' AND id < ?",
                living.id().value());
        lockkeeper.release(holder);

        lockkeeper.sweep();

        assertThat(lockkeeper.status(living)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM run WHERE status = 'abandoned'", Long.class))
                .isEqualTo(130);
    }

    @Test
    @Tag("invariant-10")
    void queued_run_whose_client_has_gone_is_abandoned_and_not_granted() {
        Run holder = lockkeeper.acquire("production");
        Run gone = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(Fixture.TIMING.presence(), gone);

        lockkeeper.release(holder);

        assertThat(lockkeeper.status(gone)).isEqualTo(RunStatus.ABANDONED);
        assertThat(lockkeeper.now(gone).statusReason()).isEqualTo("its client had not asked for it for 120 seconds");
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-10")
    void each_wait_call_renews_the_presence_of_a_queued_run() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        lockkeeper.passes(Fixture.TIMING.presence().minusSeconds(20), queued);
        lockkeeper.touch(queued);
        lockkeeper.passes(Fixture.TIMING.presence().minusSeconds(20), queued);

        lockkeeper.sweep();

        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void client_that_returns_before_anybody_missed_it_keeps_its_place() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        lockkeeper.passes(Fixture.TIMING.presence(), queued);
        lockkeeper.touch(queued);

        lockkeeper.sweep();

        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    @Tag("invariant-10")
    void grant_that_nobody_picks_up_lapses_and_goes_to_the_next() {
        Run holder = lockkeeper.acquire("production");
        Run silent = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.release(holder);
        assertThat(lockkeeper.now(silent).awaitsPickUp()).isTrue();
        lockkeeper.passes(Fixture.TIMING.pickUp(), silent);

        lockkeeper.sweep();

        assertThat(lockkeeper.status(silent)).isEqualTo(RunStatus.ABANDONED);
        assertThat(lockkeeper.now(silent).statusReason())
                .isEqualTo("nobody picked the grant up within 60 seconds; keep waiting on the run until it is granted");
        assertThat(lockkeeper.now(next).awaitsPickUp()).isTrue();
    }

    @Test
    @Tag("invariant-10")
    void first_wait_call_after_the_grant_begins_the_full_lease_and_later_ones_do_not_renew_it() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.release(holder);

        Grant picked = lockkeeper.touch(next).run().requireGrant();
        lockkeeper.touch(next);

        assertThat(Duration.between(requireNonNull(picked.pickedUpAt()), picked.expiresAt()))
                .isEqualTo(next.lease());
        assertThat(lockkeeper.now(next).requireGrant()).isEqualTo(picked);
    }

    @Test
    @Tag("invariant-10")
    void lapsed_grant_is_not_picked_up_by_a_late_wait_call() {
        Run holder = lockkeeper.acquire("production");
        Run late = lockkeeper.acquire("production");
        lockkeeper.release(holder);
        lockkeeper.passes(Fixture.TIMING.pickUp(), late);

        RunReport report = lockkeeper.touch(late);

        assertThat(lockkeeper.coordinator.endIfOverdue(report)).isTrue();
        assertThat(lockkeeper.status(late)).isEqualTo(RunStatus.ABANDONED);
    }

    @Test
    void first_heartbeat_picks_a_grant_up_too() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.release(holder);

        lockkeeper.heartbeat(next);

        assertThat(lockkeeper.now(next).awaitsPickUp()).isFalse();
    }

    @Test
    @Tag("invariant-11")
    void run_that_waits_longer_than_its_queue_time_out_is_timed_out() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire(Fixture.request("production").queueTimeout(Duration.ofMinutes(5)));
        lockkeeper.passes(Duration.ofMinutes(5), queued);
        lockkeeper.touch(queued); // Presence does not prolong it.

        lockkeeper.sweep();

        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.TIMED_OUT);
        assertThat(lockkeeper.now(queued).statusReason())
                .isEqualTo("it was not granted within its queue time-out of 300 seconds");
    }

    @Test
    void ended_and_granted_runs_and_their_groups_are_announced() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.wakes.clear();

        lockkeeper.release(holder);

        assertThat(lockkeeper.wakes)
                .containsExactly(new Wake(Set.of(holder.id(), next.id()), holder.lockGroups(), true));
    }
}
