package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a holder may rely on: its lease, how it renews and ends it, and how it learns that it has lost it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LeaseTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    void lease_has_the_length_that_was_asked_for() {
        Run run = lockkeeper.acquire(Fixture.request("production").lease(Duration.ofSeconds(90)));

        assertThat(leaseOf(run)).isEqualTo(Duration.ofSeconds(90));
        assertThat(leaseOf(lockkeeper.acquire("staging"))).isEqualTo(Duration.ofMinutes(30));
    }

    @Test
    void heartbeat_makes_the_lease_end_a_full_lease_later() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofMinutes(20), run);
        Instant before = lockkeeper.databaseNow();

        RunOutcome.Renewed renewed = assertRenewed(lockkeeper.heartbeat(run));

        Grant grant = renewed.run().requireGrant();
        assertThat(grant.expiresAt())
                .isAfterOrEqualTo(before.plus(run.lease()))
                .isBeforeOrEqualTo(lockkeeper.databaseNow().plus(run.lease()))
                .isEqualTo(lockkeeper.now(run).requireGrant().expiresAt());
        assertThat(grant.fencingToken()).isEqualTo(run.requireGrant().fencingToken());
    }

    @Test
    void lease_that_is_over_is_lost_though_no_sweeper_has_noticed() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.passes(run.lease(), run);

        RunOutcome.LeaseLost lost = assertLost(lockkeeper.heartbeat(run));

        assertThat(lost.run().status()).isEqualTo(RunStatus.EXPIRED);
        assertThat(lost.run().statusReason()).isEqualTo("its lease of 1800 seconds ran out without a heartbeat");
        assertThat(lost.holder()).isNull();
    }

    @Test
    void lease_is_kept_until_its_last_second() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.passes(run.lease().minusSeconds(10), run);

        assertRenewed(lockkeeper.heartbeat(run));
    }

    @Test
    @Tag("invariant-9")
    void late_heartbeat_of_a_lost_lease_is_refused_and_says_who_holds_now() {
        Run dead = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);

        // The heartbeat itself finds the lease over and grants the next: nothing depends on the sweeper.
        RunOutcome.LeaseLost lost = assertLost(lockkeeper.heartbeat(dead));
        assertThat(requireNonNull(lost.holder()).run()).isEqualTo(next.id());
        assertThat(lost.run().status()).isEqualTo(RunStatus.EXPIRED);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);

        lost = assertLost(lockkeeper.heartbeat(dead));
        assertThat(requireNonNull(lost.holder()).run()).isEqualTo(next.id());
        assertThat(lockkeeper.status(dead)).isEqualTo(RunStatus.EXPIRED);
    }

    @Test
    @Tag("invariant-9")
    void late_release_of_a_lost_lease_is_refused_and_says_who_holds_now() {
        Run dead = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);

        RunOutcome.LeaseLost lost = assertLost(lockkeeper.release(dead));

        assertThat(requireNonNull(lost.holder()).run()).isEqualTo(next.id());
        assertThat(lockkeeper.status(dead)).isEqualTo(RunStatus.EXPIRED);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-2")
    void late_calls_of_a_dead_holder_leave_its_successors_grant_alone() {
        Run dead = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);
        lockkeeper.sweep();
        Grant granted = lockkeeper.now(next).requireGrant();

        lockkeeper.heartbeat(dead);
        lockkeeper.release(dead);
        lockkeeper.cancel(dead);

        assertThat(lockkeeper.now(next).requireGrant()).isEqualTo(granted);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-2")
    void fencing_tokens_grow_from_grant_to_grant() {
        long last = 0;
        for (int i = 0; i < 5; i++) {
            Run run = lockkeeper.acquire("production");
            assertThat(run.requireGrant().fencingToken().value()).isGreaterThan(last);
            last = run.requireGrant().fencingToken().value();
            lockkeeper.release(run);
        }
    }

    @Test
    void release_ends_the_run_as_its_client_says() {
        for (Report.Result result : Report.Result.values()) {
            Run run = lockkeeper.acquire("production");

            Run ended = assertEnded(lockkeeper.release(run, result, "abc"));

            assertThat(ended.status().label()).isEqualTo(result.label());
            assertThat(ended.report()).isEqualTo(new Report(result, "abc"));
            assertThat(ended.completedAt()).isNotNull();
            assertThat(ended).isEqualTo(lockkeeper.now(run));
        }
    }

    @Test
    @Tag("invariant-9")
    void repeated_release_is_harmless_and_the_first_one_counts() {
        Run run = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        Run released = assertEnded(lockkeeper.release(run));

        assertThat(assertEnded(lockkeeper.release(run))).isEqualTo(released);
        assertThat(assertEnded(lockkeeper.release(run, Report.Result.FAILURE, "other")))
                .isEqualTo(released);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-9")
    void heartbeat_after_the_release_is_refused() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.release(run);

        assertThat(assertLost(lockkeeper.heartbeat(run)).run().status()).isEqualTo(RunStatus.SUCCESS);
    }

    @Test
    @Tag("invariant-11")
    void late_report_is_kept_once_and_the_run_stays_expired() {
        Run dead = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);
        lockkeeper.sweep();

        assertLost(lockkeeper.release(dead, Report.Result.FAILURE, "first"));
        assertLost(lockkeeper.release(dead, Report.Result.SUCCESS, "second"));

        assertThat(lockkeeper.now(dead).report()).isEqualTo(new Report(Report.Result.FAILURE, "first"));
        assertThat(lockkeeper.status(dead)).isEqualTo(RunStatus.EXPIRED);
    }

    @Test
    void report_that_comes_with_the_expiry_itself_is_kept_too() {
        Run dead = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead);

        assertLost(lockkeeper.release(dead, Report.Result.SUCCESS, "abc"));

        assertThat(lockkeeper.now(dead).report()).isEqualTo(new Report(Report.Result.SUCCESS, "abc"));
    }

    @Test
    void wrong_lock_token_changes_nothing() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        for (Run run : new Run[] {holder, queued}) {
            Run before = lockkeeper.now(run);
            LockProof wrong = new LockProof(run.id(), Sha256.of("guessed"));

            assertThat(lockkeeper.coordinator.heartbeat(wrong)).isEqualTo(new RunOutcome.ProofInvalid(run.id()));
            assertThat(lockkeeper.coordinator.release(wrong, new Report(Report.Result.CANCELLED, null)))
                    .isEqualTo(new RunOutcome.ProofInvalid(run.id()));
            assertThat(lockkeeper.coordinator.cancel(wrong, "mischief"))
                    .isEqualTo(new RunOutcome.ProofInvalid(run.id()));
            lockkeeper.reader.touch(wrong);

            assertThat(lockkeeper.now(run)).isEqualTo(before);
        }
    }

    @Test
    void unknown_run_is_unknown_to_every_call() {
        RunId nobody = new RunId(4711);
        LockProof proof = new LockProof(nobody, Sha256.of("any"));

        assertThat(lockkeeper.coordinator.heartbeat(proof)).isEqualTo(new RunOutcome.Unknown(nobody));
        assertThat(lockkeeper.coordinator.release(proof, new Report(Report.Result.SUCCESS, null)))
                .isEqualTo(new RunOutcome.Unknown(nobody));
        assertThat(lockkeeper.coordinator.cancel(nobody, "why not", new Actor("an admin", null)))
                .isEqualTo(new RunOutcome.Unknown(nobody));
        assertThat(lockkeeper.reader.touch(proof)).isEmpty();
        assertThat(lockkeeper.reader.find(nobody)).isEmpty();
    }

    @Test
    void only_a_granted_run_heartbeats_and_reports_success() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");

        assertThat(lockkeeper.heartbeat(queued)).isInstanceOf(RunOutcome.NotGranted.class);
        assertThat(lockkeeper.release(queued)).isInstanceOf(RunOutcome.NotGranted.class);
        assertThat(lockkeeper.release(queued, Report.Result.FAILURE, null)).isInstanceOf(RunOutcome.NotGranted.class);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void cancel_takes_a_queued_run_out_of_the_queue() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        Run last = lockkeeper.acquire("production");

        Run ended = assertEnded(lockkeeper.cancel(queued));

        assertThat(ended.status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(ended.statusReason()).isEqualTo("changed my mind");
        lockkeeper.release(holder);
        assertThat(lockkeeper.status(last)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(assertEnded(lockkeeper.cancel(queued))).isEqualTo(ended);
    }

    @Test
    void release_as_cancelled_takes_a_queued_run_out_of_the_queue() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");

        Run ended = assertEnded(lockkeeper.release(queued, Report.Result.CANCELLED, null));

        assertThat(ended.status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(ended.statusReason()).isEqualTo("left the queue");
        assertThat(ended.report()).isNull();
    }

    @Test
    void cancel_ends_a_grant_that_nobody_has_picked_up_and_grants_the_next() {
        Run holder = lockkeeper.acquire("production");
        Run granted = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.release(holder);

        assertThat(assertEnded(lockkeeper.cancel(granted)).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void cancel_asks_a_holder_to_stop_and_it_learns_at_its_next_heartbeat() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");

        assertThat(lockkeeper.coordinator.cancel(holder.id(), "an admin says so", new Actor("an admin", null)))
                .isInstanceOfSatisfying(RunOutcome.CancelRequested.class, asked -> {
                    assertThat(asked.run().status()).isEqualTo(RunStatus.IN_PROGRESS);
                    assertThat(asked.run().requireGrant().cancelRequested()).isTrue();
                });

        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.QUEUED);
        assertThat(assertRenewed(lockkeeper.heartbeat(holder))
                        .run()
                        .requireGrant()
                        .cancelRequested())
                .isTrue();
        assertEnded(lockkeeper.release(holder, Report.Result.CANCELLED, null));
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-9")
    void cancel_of_an_ended_run_changes_nothing() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.release(run);
        Run ended = lockkeeper.now(run);

        assertThat(assertEnded(lockkeeper.cancel(run))).isEqualTo(ended);
        assertThat(lockkeeper.now(run)).isEqualTo(ended);
    }

    private static Duration leaseOf(Run run) {
        return Duration.between(run.requireGrant().at(), run.requireGrant().expiresAt());
    }

    private static RunOutcome.Renewed assertRenewed(RunOutcome outcome) {
        assertThat(outcome).isInstanceOf(RunOutcome.Renewed.class);
        return (RunOutcome.Renewed) outcome;
    }

    private static RunOutcome.LeaseLost assertLost(RunOutcome outcome) {
        assertThat(outcome).isInstanceOf(RunOutcome.LeaseLost.class);
        return (RunOutcome.LeaseLost) outcome;
    }

    private static Run assertEnded(RunOutcome outcome) {
        assertThat(outcome).isInstanceOf(RunOutcome.Ended.class);
        return ((RunOutcome.Ended) outcome).run();
    }
}
