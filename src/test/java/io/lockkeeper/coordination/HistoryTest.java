package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.QueueModel.Due;
import io.lockkeeper.coordination.QueueModel.Entry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long random histories played on the database and on a simple model of the design: after every step both must agree on every run. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HistoryTest {
    private static final List<String> ENVIRONMENTS = List.of("dev", "preprod", "production");
    private static final int STEPS = 700;

    private final List<String> story = new ArrayList<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 5, 11})
    @Tag("invariant-3")
    @Tag("invariant-4")
    @Tag("invariant-9")
    @Tag("invariant-11")
    void database_and_model_agree_on_every_run_after_every_step(long seed) {
        Random random = new Random(seed);
        QueueModel model = new QueueModel();
        try (Fixture lockkeeper = new Fixture()) {
            for (int step = 0; step < STEPS; step++) {
                boolean swept = step(random, lockkeeper, model);
                if (swept) {
                    assertThat(rows(lockkeeper))
                            .as(() -> "seed " + seed + ", the last steps: "
                                    + String.join("\n", story.subList(Math.max(0, story.size() - 12), story.size())))
                            .isEqualTo(
                                    model.entries.stream().map(Entry::toString).toList());
                }
            }
            assertThat(model.with(RunStatus.SKIPPED))
                    .as("the history has skips")
                    .isNotEmpty();
            assertThat(model.with(RunStatus.EXPIRED)).as("and orphans").isNotEmpty();
            assertTokensGrowInTheOrderOfGrants(lockkeeper);
        }
    }

    /** @return whether nothing is overdue any more, so that both can be compared */
    private boolean step(Random random, Fixture lockkeeper, QueueModel model) {
        int choice = random.nextInt(100);
        if (choice < 35) {
            acquire(random, lockkeeper, model);
            return random.nextBoolean() && sweep(lockkeeper, model);
        }
        List<Entry> pending = model.entries.stream().filter(Entry::isPending).toList();
        if (choice < 50) {
            if (!pending.isEmpty()) {
                timePasses(lockkeeper, any(random, pending), random.nextInt(3) == 0 ? Due.WAITED_TOO_LONG : Due.SILENT);
            }
            return random.nextBoolean() && sweep(lockkeeper, model);
        }
        sweep(lockkeeper, model);
        List<Entry> recent = model.entries.subList(Math.max(0, model.entries.size() - 30), model.entries.size());
        if (recent.isEmpty()) {
            return true;
        }
        List<Entry> holders = model.with(RunStatus.IN_PROGRESS).toList();
        Entry run = choice < 75 && !holders.isEmpty() ? any(random, holders) : any(random, recent);
        Run real = lockkeeper.run(new RunId(run.id));
        if (choice < 58 || choice >= 97) {
            story.add("touch " + run);
            lockkeeper.touch(real);
            model.touch(run);
        } else if (choice < 63) {
            story.add("heartbeat " + run);
            lockkeeper.heartbeat(real);
            model.heartbeat(run);
        } else if (choice < 92) {
            Report.Result result = any(random, List.of(Report.Result.values()));
            String sha = random.nextInt(3) == 0 ? any(random, recent).sha : null;
            story.add("release " + run + " as " + result + ", deployed " + sha);
            lockkeeper.release(real, result, sha);
            model.release(run, result, sha);
        } else {
            story.add("cancel " + run);
            lockkeeper.cancel(real);
            model.cancel(run);
        }
        return sweep(lockkeeper, model);
    }

    private void acquire(Random random, Fixture lockkeeper, QueueModel model) {
        List<String> environments = new ArrayList<>(ENVIRONMENTS);
        Collections.shuffle(environments, random);
        environments = environments.subList(0, random.nextInt(4) == 0 ? 2 + random.nextInt(2) : 1);
        boolean high = random.nextInt(10) == 0;
        boolean latest = random.nextBoolean();
        boolean failFast = random.nextInt(10) == 0;
        boolean batch = random.nextInt(4) != 0;
        String sha = "sha-" + story.size();
        story.add("acquire %s%s%s%s%s at %s"
                .formatted(
                        environments,
                        high ? " high" : "",
                        latest ? " latest" : "",
                        failFast ? " fail fast" : "",
                        batch ? "" : " unbatched",
                        sha));

        Fixture.Ask ask = Fixture.request(environments.toArray(String[]::new))
                .repository(high ? "hotfix" : "shop")
                .sha(sha);
        if (high) {
            ask.high();
        }
        if (latest) {
            ask.latest();
        }
        if (failFast) {
            ask.failFast();
        }
        if (!batch) {
            ask.unbatched();
        }
        AcquireOutcome outcome = lockkeeper.coordinator.acquire(ask.build());
        Run run = switch (outcome) {
            case AcquireOutcome.Granted granted -> granted.report().run();
            case AcquireOutcome.Queued queued -> queued.report().run();
            case AcquireOutcome.Skipped skipped -> skipped.report().run();
            case AcquireOutcome.Held _ -> null;
            case AcquireOutcome other -> throw new AssertionError(other);
        };
        Entry asked = new Entry(run == null ? 0 : run.id().value(), new TreeSet<>(environments), high, latest, sha);
        @Nullable
        RunStatus expected =
                model.acquire(asked, failFast, batch).map(entry -> entry.status).orElse(null);
        assertThat(run == null ? null : run.status()).as("%s", story.getLast()).isEqualTo(expected);
    }

    private void timePasses(Fixture lockkeeper, Entry run, Due due) {
        story.add("time is up for " + run + ": " + due);
        run.due = run.due == Due.WAITED_TOO_LONG ? run.due : due;
        lockkeeper.jdbc.update("""
                UPDATE run
                SET presence_expires_at = statement_timestamp(),
                    lease_expires_at = CASE WHEN status = 'in_progress' THEN statement_timestamp() END,
                    queue_expires_at = CASE WHEN ? THEN statement_timestamp() ELSE queue_expires_at END
                WHERE id = ? AND status IN ('queued', 'in_progress')""", due == Due.WAITED_TOO_LONG, run.id);
    }

    private boolean sweep(Fixture lockkeeper, QueueModel model) {
        story.add("sweep");
        lockkeeper.sweep();
        model.settle();
        return true;
    }

    private static List<String> rows(Fixture lockkeeper) {
        return lockkeeper.jdbc.query(
                """
                SELECT id, status, batched_into, coalesce(covered, false) AS covered, shipped_by, cancel_requested_at IS NOT NULL AS cancel
                FROM run
                ORDER BY id""",
                (row, number) -> row.getLong("id") + " " + RunStatus.of(row.getString("status")) + " "
                        + row.getObject("batched_into") + " " + row.getBoolean("covered") + " "
                        + row.getObject("shipped_by") + " " + row.getBoolean("cancel"));
    }

    private static void assertTokensGrowInTheOrderOfGrants(Fixture lockkeeper) {
        assertThat(lockkeeper.jdbc.queryForList("""
                SELECT later.id
                FROM (SELECT r.*, lag(r.granted_at) OVER grants AS previous_grant, lag(r.completed_at) OVER grants AS previous_end
                      FROM run r JOIN claim c ON c.run_id = r.id
                      WHERE r.fencing_token IS NOT NULL
                      WINDOW grants AS (PARTITION BY c.lock_group ORDER BY r.fencing_token)) AS later
                WHERE later.granted_at < later.previous_grant OR later.granted_at < later.previous_end""")).isEmpty();
    }

    private static <T> T any(Random random, List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
