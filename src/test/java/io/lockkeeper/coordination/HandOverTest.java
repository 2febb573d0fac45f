package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What becomes of the covered changes when their cover ends without having deployed them (invariant 11: nothing is dropped silently). */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("invariant-11")
class HandOverTest {
    private final Fixture lockkeeper = new Fixture();
    private final Run holder = lockkeeper.acquire(ask("a"));
    private final Run other = lockkeeper.acquire(ask("b"));
    private final Run cover = lockkeeper.acquire(ask("cover").latest());
    private final Run skipped = lockkeeper.acquire(ask("skipped"));
    private final Run pinned = lockkeeper.acquire(ask("pinned").unbatched());
    private final Run successor = lockkeeper.acquire(ask("successor").latest().unbatched());

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    void cover_that_is_cancelled_in_the_queue_hands_over() {
        assertHandsOver(run -> lockkeeper.cancel(run), RunStatus.CANCELLED);
    }

    @Test
    void cover_that_leaves_the_queue_hands_over() {
        assertHandsOver(run -> lockkeeper.release(run, Report.Result.CANCELLED, null), RunStatus.CANCELLED);
    }

    @Test
    void cover_that_times_out_hands_over() {
        assertHandsOver(
                run -> {
                    lockkeeper.passes(Duration.ofHours(1), run);
                    lockkeeper.sweep();
                },
                RunStatus.TIMED_OUT);
    }

    @Test
    void cover_whose_client_has_gone_hands_over() {
        assertHandsOver(
                run -> {
                    lockkeeper.passes(Fixture.TIMING.presence(), run);
                    lockkeeper.heartbeat(holder);
                },
                RunStatus.ABANDONED);
    }

    @Test
    void cover_that_fails_hands_over() {
        grantCover();
        assertHandsOver(run -> lockkeeper.release(run, Report.Result.FAILURE, null), RunStatus.FAILURE);
    }

    @Test
    void cover_that_expires_while_deploying_hands_over() {
        grantCover();
        lockkeeper.touch(cover);
        assertHandsOver(
                run -> {
                    lockkeeper.passes(run.lease(), run);
                    lockkeeper.sweep();
                },
                RunStatus.EXPIRED);
    }

    @Test
    void cover_that_does_not_pick_its_grant_up_hands_over() {
        grantCover();
        assertHandsOver(
                run -> {
                    lockkeeper.passes(Fixture.TIMING.pickUp(), run);
                    lockkeeper.sweep();
                },
                RunStatus.ABANDONED);
    }

    @Test
    void changes_pass_down_a_chain_of_covers_until_one_ships_them() {
        Run last = lockkeeper.acquire(ask("last").latest().unbatched());

        lockkeeper.cancel(cover);
        lockkeeper.cancel(successor);

        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(last.id(), true, null));
        lockkeeper.release(holder);
        lockkeeper.release(other);
        lockkeeper.release(pinned);
        lockkeeper.release(last);
        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(last.id(), true, last.id()));
    }

    @Test
    void covers_that_are_overdue_together_hand_over_to_one_that_is_not() {
        Run last = lockkeeper.acquire(ask("last").latest().unbatched());
        lockkeeper.passes(Fixture.TIMING.presence(), cover);
        lockkeeper.passes(Fixture.TIMING.presence(), successor);

        lockkeeper.sweep();

        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(last.id(), true, null));
    }

    @Test
    void with_nobody_to_take_over_the_change_is_undeployed_and_keeps_naming_its_cover() {
        lockkeeper.cancel(successor);

        lockkeeper.cancel(cover);

        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(cover.id(), false, null));
    }

    @Test
    void run_that_asks_about_itself_can_take_over() {
        lockkeeper.passes(Fixture.TIMING.presence(), cover);

        lockkeeper.heartbeat(successor); // Refused, as it only waits; the plan ends the overdue cover all the same.

        assertThat(lockkeeper.status(cover)).isEqualTo(RunStatus.ABANDONED);
        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(successor.id(), true, null));
    }

    @Test
    void run_that_leaves_does_not_take_over() {
        lockkeeper.passes(Fixture.TIMING.presence(), cover);

        lockkeeper.cancel(successor);

        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(cover.id(), false, null));
    }

    @Test
    void silent_successor_is_believed_in_during_an_outage() {
        lockkeeper.passes(Fixture.TIMING.presence(), successor);
        lockkeeper.outage();

        lockkeeper.cancel(cover);

        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(successor.id(), true, null));
    }

    @Test
    void older_sha_that_was_handed_over_does_not_make_a_newer_cover_go_back() {
        lockkeeper.cancel(cover);

        Deploy deploy = grantSuccessor();

        assertThat(deploy.sha()).isEqualTo("successor");
        assertThat(deploy.includes()).extracting(BatchedRun::id).containsExactly(skipped.id());
        lockkeeper.release(successor);
        assertThat(requireNonNull(lockkeeper.now(skipped).batch()).shippedBy()).isEqualTo(successor.id());
    }

    @Test
    void newest_batched_sha_wins_after_a_hand_over() {
        lockkeeper.cancel(cover);
        Run newest = lockkeeper.acquire(ask("newest"));

        Deploy deploy = grantSuccessor();

        assertThat(deploy.sha()).isEqualTo("newest");
        assertThat(deploy.includes()).extracting(BatchedRun::id).containsExactly(skipped.id(), newest.id());
    }

    @Test
    void newest_of_several_older_shas_wins_when_the_successor_named_none() {
        lockkeeper.cancel(successor);
        Run newer = lockkeeper.acquire(ask("newer"));
        assertThat(newer.status()).isEqualTo(RunStatus.SKIPPED);
        assertThat(requireNonNull(newer.batch()).covered()).isFalse(); // Pinned was queued last.
        lockkeeper.cancel(pinned);
        Run newest = lockkeeper.acquire(ask("newest"));
        Run shaless = lockkeeper.acquire(
                Fixture.request("production").repository("shop").latest().unbatched());
        lockkeeper.cancel(cover);
        assertThat(lockkeeper.now(newest).batch()).isEqualTo(Fixture.receipt(shaless.id(), true, null));

        lockkeeper.release(holder);
        lockkeeper.release(other);

        assertThat(lockkeeper.deploy(shaless).sha()).isEqualTo("newest");
    }

    private void assertHandsOver(Consumer<Run> end, RunStatus status) {
        end.accept(lockkeeper.now(cover));

        assertThat(lockkeeper.status(cover)).isEqualTo(status);
        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(successor.id(), true, null));
    }

    private void grantCover() {
        lockkeeper.release(holder);
        lockkeeper.release(other);
        assertThat(lockkeeper.status(cover)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    private Deploy grantSuccessor() {
        lockkeeper.release(holder);
        lockkeeper.release(other);
        lockkeeper.release(pinned);
        assertThat(lockkeeper.status(successor)).isEqualTo(RunStatus.IN_PROGRESS);
        return lockkeeper.deploy(successor);
    }

    private static Fixture.Ask ask(String sha) {
        return Fixture.request("production").repository("shop").sha(sha);
    }
}
