package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Auto-batch: who is skipped, for whom, what the cover then deploys, and what a queue check says beforehand. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class BatchTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-11")
    void fourth_run_is_skipped_for_the_last_queued_one_which_is_pinned_and_the_receipt_says_so() {
        Run a = lockkeeper.acquire(ask("a"));
        Run b = lockkeeper.acquire(ask("b"));
        Run c = lockkeeper.acquire(ask("c"));
        Run d = lockkeeper.acquire(ask("d"));

        assertThat(List.of(a.status(), b.status(), c.status()))
                .containsExactly(RunStatus.IN_PROGRESS, RunStatus.QUEUED, RunStatus.QUEUED);
        assertThat(d.status()).isEqualTo(RunStatus.SKIPPED);
        assertThat(d.batch()).isEqualTo(Fixture.receipt(c.id(), false, null));
        assertThat(d.statusReason())
                .isEqualTo(
                        "enough runs are pending and run " + c.id()
                                + ", queued last, is to include this change; it is pinned to its own sha, so check that it does");
        assertThat(d.lockGroups()).isEmpty();
    }

    @Test
    @Tag("invariant-11")
    void cover_of_the_latest_is_told_to_deploy_the_newest_sha_and_the_receipts_say_who_shipped() {
        Run a = lockkeeper.acquire(ask("a"));
        Run b = lockkeeper.acquire(ask("b"));
        Run c = lockkeeper.acquire(ask("c").latest());
        Run d = lockkeeper.acquire(ask("d"));
        Run e = lockkeeper.acquire(ask("e"));
        assertThat(d.batch()).isEqualTo(Fixture.receipt(c.id(), true, null));
        assertThat(d.statusReason())
                .isEqualTo("enough runs are pending and run " + c.id() + ", queued last, will deploy this change");

        lockkeeper.release(a);
        lockkeeper.release(b);

        Deploy deploy = requireNonNull(lockkeeper.touch(c).deploy());
        assertThat(deploy.sha()).isEqualTo("e");
        assertThat(deploy.includes()).extracting(BatchedRun::id).containsExactly(d.id(), e.id());
        lockkeeper.release(c);
        assertThat(lockkeeper.now(d).batch()).isEqualTo(Fixture.receipt(c.id(), true, c.id()));
        assertThat(lockkeeper.now(e).batch()).isEqualTo(Fixture.receipt(c.id(), true, c.id()));
    }

    @Test
    void run_that_came_after_the_grant_of_the_cover_is_not_skipped_for_it() {
        Run holder = lockkeeper.acquire(ask("a"));
        lockkeeper.acquire(Fixture.request("production").repository("other"));
        Run cover = lockkeeper.acquire(ask("c").latest().high());
        lockkeeper.acquire(Fixture.request("production").repository("third"));
        lockkeeper.release(holder);
        assertThat(lockkeeper.status(cover)).isEqualTo(RunStatus.IN_PROGRESS);

        assertThat(lockkeeper.acquire(ask("d")).status()).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void last_queued_run_whose_client_has_gone_covers_nothing_and_the_one_before_it_does() {
        lockkeeper.acquire(ask("a"));
        lockkeeper.acquire(ask("b"));
        Run c = lockkeeper.acquire(ask("c").latest());
        Run gone = lockkeeper.acquire(ask("gone").latest().unbatched());
        lockkeeper.passes(Fixture.TIMING.presence(), gone);

        assertThat(lockkeeper.acquire(ask("d")).batch()).isEqualTo(Fixture.receipt(c.id(), true, null));
    }

    @Test
    void unbatched_and_high_runs_are_never_skipped() {
        threePending();

        assertThat(lockkeeper.acquire(ask("d").unbatched()).status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.acquire(ask("e").high()).status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.acquire(ask("f")).status()).isEqualTo(RunStatus.SKIPPED);
    }

    @Test
    @Tag("invariant-11")
    void run_that_nobody_queued_can_cover_is_queued() {
        threePending();

        assertThat(lockkeeper.acquire(ask("d").repository("other")).status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.acquire(ask("d").ref("release")).status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper
                        .acquire(Fixture.request("production", "staging").repository("shop"))
                        .status())
                .isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void absent_repository_and_ref_match_absent_ones() {
        for (int i = 0; i < 3; i++) {
            lockkeeper.acquire(Fixture.request("production"));
        }

        assertThat(lockkeeper.acquire(Fixture.request("production").ref("main")).status())
                .isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.acquire(Fixture.request("production")).status()).isEqualTo(RunStatus.SKIPPED);
    }

    @Test
    void same_environments_in_another_order_cover_each_other() {
        for (int i = 0; i < 3; i++) {
            lockkeeper.acquire("production", "staging");
        }

        assertThat(lockkeeper.acquire("staging", "production").status()).isEqualTo(RunStatus.SKIPPED);
    }

    @Test
    void dead_runs_do_not_count_as_pending() {
        Run dead = lockkeeper.acquire(ask("a"));
        lockkeeper.acquire(ask("b"));
        lockkeeper.acquire(ask("c"));
        lockkeeper.passes(dead.lease(), dead);

        assertThat(lockkeeper.acquire(ask("d")).status()).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void release_that_deployed_an_included_sha_ships_what_came_up_to_it() {
        Cover cover = coverOf("d", "e", "f");

        lockkeeper.release(cover.run(), Report.Result.SUCCESS, "e");

        assertThat(shippedBy(cover, 0)).isEqualTo(cover.run().id());
        assertThat(shippedBy(cover, 1)).isEqualTo(cover.run().id());
        assertThat(lockkeeper.now(cover.skipped(2)).batch())
                .isEqualTo(Fixture.receipt(cover.run().id(), false, null)); // Undeployed: nobody is left to cover it.
    }

    @Test
    void release_that_deployed_its_own_sha_ships_nothing_that_came_later() {
        Cover cover = coverOf("d", "e");

        lockkeeper.release(cover.run(), Report.Result.SUCCESS, "cover");

        assertThat(shippedBy(cover, 0)).isNull();
        assertThat(shippedBy(cover, 1)).isNull();
    }

    @Test
    void release_that_deployed_a_sha_that_nobody_named_ships_nothing() {
        Cover cover = coverOf("d");

        lockkeeper.release(cover.run(), Report.Result.SUCCESS, "who knows");

        assertThat(lockkeeper.now(cover.skipped(0)).batch())
                .isEqualTo(Fixture.receipt(cover.run().id(), false, null));
    }

    @Test
    void what_was_not_shipped_is_handed_to_the_next_that_can_cover_it() {
        Cover cover = coverOf("d", "e");
        Run next = lockkeeper.acquire(ask("n").latest().unbatched());

        lockkeeper.release(cover.run(), Report.Result.SUCCESS, "d");

        assertThat(shippedBy(cover, 0)).isEqualTo(cover.run().id());
        assertThat(lockkeeper.now(cover.skipped(1)).batch()).isEqualTo(Fixture.receipt(next.id(), true, null));
    }

    @Test
    void pinned_cover_ships_only_what_has_its_very_sha() {
        Run holder = threePending();
        Run same = lockkeeper.acquire(ask("c"));
        Run other = lockkeeper.acquire(ask("d"));
        RunId c = requireNonNull(same.batch()).into();
        lockkeeper.release(holder);
        Run b = lockkeeper.run(new RunId(c.value() - 1));
        lockkeeper.release(b);

        lockkeeper.release(lockkeeper.run(c));

        assertThat(requireNonNull(lockkeeper.now(same).batch()).shippedBy()).isEqualTo(c);
        assertThat(requireNonNull(lockkeeper.now(other).batch()).shippedBy()).isNull();
    }

    @Test
    @Tag("invariant-11")
    void undeployed_change_is_cleared_by_a_later_success_of_its_very_sha() {
        Run holder = threePending();
        Run undeployed = lockkeeper.acquire(ask("d"));
        lockkeeper.release(holder);
        drain();

        Run failed = lockkeeper.acquire(ask("d"));
        lockkeeper.release(failed, Report.Result.FAILURE, null);
        assertThat(requireNonNull(lockkeeper.now(undeployed).batch()).shippedBy())
                .isNull();
        Run elsewhere = lockkeeper.acquire(ask("d").repository("other"));
        lockkeeper.release(elsewhere);
        assertThat(requireNonNull(lockkeeper.now(undeployed).batch()).shippedBy())
                .isNull();

        Run later = lockkeeper.acquire(ask("x"));
        lockkeeper.release(later, Report.Result.SUCCESS, "d");

        assertThat(requireNonNull(lockkeeper.now(undeployed).batch()).shippedBy())
                .isEqualTo(later.id());
    }

    @Test
    void late_report_of_an_expired_run_clears_what_it_deployed() {
        Run holder = threePending();
        Run undeployed = lockkeeper.acquire(ask("d"));
        lockkeeper.release(holder);
        drain();
        Run dead = lockkeeper.acquire(ask("d"));
        lockkeeper.passes(dead.lease(), dead);
        lockkeeper.sweep();

        assertThat(lockkeeper.release(dead)).isInstanceOf(RunOutcome.LeaseLost.class);

        assertThat(requireNonNull(lockkeeper.now(undeployed).batch()).shippedBy())
                .isEqualTo(dead.id());
    }

    @Test
    @Tag("invariant-11")
    void receipt_stays_for_ever() {
        Cover cover = coverOf("d");
        lockkeeper.release(cover.run());
        Run receipt = lockkeeper.now(cover.skipped(0));

        lockkeeper.release(lockkeeper.acquire(ask("d")));
        lockkeeper.heartbeat(receipt);
        lockkeeper.release(receipt);
        lockkeeper.cancel(receipt);
        lockkeeper.touch(receipt);

        assertThat(lockkeeper.now(receipt)).isEqualTo(receipt);
        assertThat(receipt.batch())
                .isEqualTo(Fixture.receipt(cover.run().id(), true, cover.run().id()));
    }

    @Test
    void queue_check_says_what_acquire_would_do_and_changes_nothing() {
        Run dead = lockkeeper.acquire(ask("a"));
        assertThat(check(ask("x"))).isEqualTo(new QueueCheck(1, null, false, null));
        lockkeeper.acquire(ask("b"));
        Run c = lockkeeper.acquire(ask("c").latest());
        String before = contents();

        assertThat(check(ask("x"))).isEqualTo(new QueueCheck(3, c.id(), true, SkipReason.BATCH_THRESHOLD));
        assertThat(check(ask("x").high())).isEqualTo(new QueueCheck(3, null, false, null));
        assertThat(check(ask("x").repository("other"))).isEqualTo(new QueueCheck(3, null, false, null));
        assertThat(check(Fixture.request("brand-new"))).isEqualTo(new QueueCheck(0, null, false, null));
        assertThat(contents()).isEqualTo(before);

        // It plans with what is overdue, as acquire does, and leaves it to acquire to end it.
        lockkeeper.passes(dead.lease(), dead);
        before = contents();
        assertThat(check(ask("x")).into()).isNull();
        assertThat(contents()).isEqualTo(before);
        assertThat(lockkeeper.acquire(ask("x")).status()).isEqualTo(RunStatus.QUEUED);
    }

    private QueueCheck check(Fixture.Ask ask) {
        return lockkeeper.coordinator.check(ask.build());
    }

    private String contents() {
        return requireNonNull(lockkeeper.jdbc.queryForObject("""
                SELECT concat((SELECT string_agg(r::text, E'\\n' ORDER BY id) FROM run r),
                              (SELECT string_agg(c::text, E'\\n' ORDER BY run_id, lock_group) FROM claim c),
                              (SELECT string_agg(e::text, E'\\n' ORDER BY name) FROM environment e),
                              (SELECT string_agg(g::text, E'\\n' ORDER BY name) FROM lock_group g),
                              (SELECT s::text FROM sweeper s),
                              (SELECT last_value FROM fencing_token))""", String.class));
    }

    /** @param run holds the lock and covers {@code skipped} */
    private record Cover(Run run, List<Run> all) {
        Run skipped(int index) {
            return all.get(index);
        }
    }

    private Cover coverOf(String... shas) {
        Run first = lockkeeper.acquire(ask("a"));
        Run second = lockkeeper.acquire(ask("b"));
        Run cover = lockkeeper.acquire(ask("cover").latest());
        List<Run> skipped =
                Arrays.stream(shas).map(sha -> lockkeeper.acquire(ask(sha))).toList();
        lockkeeper.release(first);
        lockkeeper.release(second);
        lockkeeper.touch(cover);
        return new Cover(lockkeeper.now(cover), skipped);
    }

    private @Nullable RunId shippedBy(Cover cover, int index) {
        return requireNonNull(lockkeeper.now(cover.skipped(index)).batch()).shippedBy();
    }

    private Run threePending() {
        Run holder = lockkeeper.acquire(ask("a"));
        lockkeeper.acquire(ask("b"));
        lockkeeper.acquire(ask("c"));
        return holder;
    }

    private void drain() {
        String pending = "SELECT id FROM run WHERE status IN ('queued', 'in_progress') ORDER BY id";
        for (Run run : lockkeeper.jdbc.query(pending, (row, number) -> lockkeeper.run(new RunId(row.getLong("id"))))) {
            lockkeeper.release(run);
        }
    }

    private static Fixture.Ask ask(String sha) {
        return Fixture.request("production").repository("shop").sha(sha);
    }
}
