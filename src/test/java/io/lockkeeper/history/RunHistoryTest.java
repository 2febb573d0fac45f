package io.lockkeeper.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Pages of runs. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RunHistoryTest {

    private final PastRuns past = new PastRuns();
    private final RunHistory history = new RunHistory(past.jdbc);

    @Test
    void runs_are_told_newest_first_with_their_times_in_seconds() {
        long old = past.run("production")
                .waited(java.time.Duration.ofSeconds(90))
                .held(java.time.Duration.ofSeconds(185))
                .write();
        long skipped = past.run("production").skippedFor(old).by("bob").write();
        long queued = past.run("production").neverGranted("queued").write();

        Page<PastRun> page = page(RunFilter.ALL, null, 50);

        assertThat(page.items()).extracting(PastRun::id).containsExactly(queued, skipped, old);
        assertThat(page.nextBefore()).isNull();
        PastRun deployment = page.items().getLast();
        assertThat(deployment.waitSeconds()).isEqualTo(90);
        assertThat(deployment.durationSeconds()).isEqualTo(185);
        assertThat(deployment.status()).isEqualTo("success");
        assertThat(deployment.reason()).isEqualTo("it is a test");
        PastRun change = page.items().get(1);
        assertThat(change.batchedInto()).isEqualTo(old);
        assertThat(change.skipReason()).isEqualTo("batch-threshold");
        assertThat(change.waitSeconds()).isNull();
        assertThat(change.user()).isEqualTo("bob");
    }

    @Test
    void pages_follow_each_other_without_gap_or_overlap_whatever_the_filter() {
        for (int i = 0; i < 7; i++) {
            past.run("production").write();
            past.run("staging", "production").ended("failure").write();
            past.run("staging").neverGranted("cancelled").write();
            past.run("dev").neverGranted("queued").write();
        }
        List<RunFilter> filters = List.of(
                RunFilter.ALL,
                filter(null, RunStatus.FAILURE, RunStatus.CANCELLED),
                filter(null, RunStatus.QUEUED),
                filter(null, RunStatus.QUEUED, RunStatus.SUCCESS),
                filter("production"),
                filter("staging", RunStatus.FAILURE),
                filter("staging", RunStatus.FAILURE, RunStatus.CANCELLED),
                filter("dev", RunStatus.SUCCESS));
        for (RunFilter filter : filters) {
            assertThat(walk(filter, 3, RunHistoryTest::everything))
                    .as("%s", filter)
                    .isEqualTo(expected(filter));
        }
    }

    @Test
    void last_page_says_that_it_is_the_last() {
        for (int i = 0; i < 4; i++) {
            past.run("production").write();
        }

        Page<PastRun> first = page(RunFilter.ALL, null, 2);
        Page<PastRun> second = page(RunFilter.ALL, first.nextBefore(), 2);

        assertThat(first.nextBefore()).isEqualTo(first.items().getLast().id());
        assertThat(second.items()).hasSize(2);
        assertThat(second.nextBefore()).isNull();
    }

    @Test
    void run_of_several_environments_is_told_once_and_only_to_those_who_may_see_all_of_them() {
        long both = past.run("staging", "production").write();
        long staging = past.run("staging").write();
        past.run("production").write();

        assertThat(walk(RunFilter.ALL, 1, "staging"::equals)).containsExactly(staging);
        assertThat(walk(filter("staging"), 1, "staging"::equals)).containsExactly(staging);
        assertThat(walk(RunFilter.ALL, 1, name -> !name.equals("dev"))).hasSize(3);
        assertThat(walk(RunFilter.ALL, 1, name -> false)).isEmpty();
        past.run("dev").write();
        assertThat(walk(RunFilter.ALL, 1, name -> !name.equals("dev")))
                .hasSize(3)
                .contains(both);
    }

    @Test
    void repository_and_user_are_searched_for_page_by_page() {
        List<Long> hers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            hers.addFirst(past.run("production").by("alice").of("shop/web").write());
            past.run("production").by("bob").of("shop/web").write();
            past.run("production").by("alice").of("shop/api").write();
        }
        RunFilter filter = new RunFilter(null, Set.of(), "shop/web", "alice");

        assertThat(walk(filter, 2, RunHistoryTest::everything)).isEqualTo(hers);
        assertThat(page(filter, null, 5).nextBefore()).isNull();
    }

    @Test
    void search_that_finds_nothing_in_one_call_says_where_to_go_on() {
        long hers = past.run("production").by("alice").write();
        past.jdbc.sql("""
                INSERT INTO run (environments, status, status_reason, priority, coverage, lease_seconds, created_at, completed_at,
                                 last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key)
                SELECT environments, 'cancelled', 'x', priority, coverage, lease_seconds, created_at, completed_at,
                       last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key
                FROM run, generate_series(1, ?)""").param(RunHistory.SEARCHED).update();

        Page<PastRun> first = page(new RunFilter(null, Set.of(), null, "alice"), null, 50);

        assertThat(first.items()).isEmpty();
        assertThat(first.nextBefore()).isEqualTo(hers + 1);
        assertThat(walk(new RunFilter(null, Set.of(), null, "alice"), 50, RunHistoryTest::everything))
                .containsExactly(hers);
    }

    private Page<PastRun> page(RunFilter filter, @Nullable Long before, int limit) {
        return history.page(filter, before, limit, RunHistoryTest::everything);
    }

    private List<Long> walk(RunFilter filter, int limit, Predicate<String> visible) {
        List<Long> ids = new ArrayList<>();
        Long before = null;
        do {
            Page<PastRun> page = history.page(filter, before, limit, visible);
            assertThat(page.items()).hasSizeLessThanOrEqualTo(limit);
            page.items().forEach(run -> ids.add(run.id()));
            before = page.nextBefore();
        } while (before != null);
        return ids;
    }

    private List<Long> expected(RunFilter filter) {
        EnvironmentName environment = filter.environment();
        return past.jdbc
                .sql("""
                SELECT id
                FROM run
                WHERE (:environment::text IS NULL OR :environment = ANY (environments))
                  AND (cardinality(:statuses::text[]) = 0 OR status = ANY (:statuses))
                ORDER BY id DESC""")
                .param("environment", environment == null ? null : environment.value())
                .param(
                        "statuses",
                        filter.statuses().stream().map(RunStatus::label).toArray(String[]::new))
                .query((row, number) -> row.getLong(1))
                .list();
    }

    private static RunFilter filter(@Nullable String environment, RunStatus... statuses) {
        return new RunFilter(
                environment == null ? null : new EnvironmentName(environment), Set.of(statuses), null, null);
    }

    private static boolean everything(String environment) {
        return true;
    }
}
