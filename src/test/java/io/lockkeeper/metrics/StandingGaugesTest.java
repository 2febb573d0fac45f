package io.lockkeeper.metrics;

import static io.lockkeeper.metrics.Replica.ADMIN;
import static io.lockkeeper.metrics.Replica.ask;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.FreezeEnd;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.environment.EnvironmentName;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How things stand, as every replica shows it. */
class StandingGaugesTest {
    private static final EnvironmentName PRODUCTION = new EnvironmentName("production");

    private final Replica replica = new Replica();

    @AfterEach
    void close() {
        replica.close();
    }

    @Test
    void queue_and_lock_are_those_of_the_lock_group() {
        replica.declare("production", "lease_seconds", "60");
        replica.declare("production-auto", "lease_seconds", "60");
        replica.jdbc.update("UPDATE environment SET lock_group = 'production'");
        Run holder = replica.acquire("production");
        Run waiting = replica.acquire("production-auto");
        replica.acquire("production");
        replica.passes(Duration.ofSeconds(30), holder);
        replica.passesInPresence(Duration.ofSeconds(20), waiting);

        Map<String, Double> series = replica.series();

        for (String environment : new String[] {"production", "production-auto"}) {
            assertThat(series.get("lockkeeper_queue_length{environment=\"" + environment + "\"}"))
                    .isEqualTo(3);
            assertThat(series.get("lockkeeper_lock_held_seconds{environment=\"" + environment + "\"}"))
                    .isGreaterThanOrEqualTo(30);
            assertThat(series.get("lockkeeper_oldest_waiter_seconds{environment=\"" + environment + "\"}"))
                    .isGreaterThanOrEqualTo(20)
                    .isLessThan(series.get("lockkeeper_lock_held_seconds{environment=\"" + environment + "\"}"));
        }
    }

    @Test
    void all_is_zero_again_when_the_last_run_has_ended() {
        replica.release(replica.acquire("production"));

        assertThat(replica.series())
                .containsEntry("lockkeeper_queue_length{environment=\"production\"}", 0.0)
                .containsEntry("lockkeeper_lock_held_seconds{environment=\"production\"}", 0.0)
                .containsEntry("lockkeeper_oldest_waiter_seconds{environment=\"production\"}", 0.0);
    }

    @Test
    void run_that_awaits_its_approval_is_not_in_the_queue() {
        replica.declare("production", "approvals_required", "1");
        Run run = replica.acquire("production");
        replica.passes(Duration.ofHours(1), run);

        assertThat(replica.value("lockkeeper_queue_length{environment=\"production\"}"))
                .isZero();
        assertThat(replica.value("lockkeeper_oldest_waiter_seconds{environment=\"production\"}"))
                .isZero();
    }

    @Test
    void skip_ratio_is_that_of_what_ended_within_a_day() {
        Run holder = replica.acquire("production");
        replica.acquire("production");
        replica.acquire("production");
        Run old = replica.acquire(ask("production").batched());
        replica.acquire(ask("production").batched());
        replica.release(holder);
        replica.jdbc.update(
                "ALTER TABLE run DISABLE TRIGGER run_guard"); // Which keeps anybody from moving an end into the past.
        replica.jdbc.update(
                "UPDATE run SET completed_at = completed_at - interval '25 hours' WHERE id = ?",
                old.id().value());

        assertThat(replica.value("lockkeeper_skip_ratio{environment=\"production\"}"))
                .isEqualTo(0.5);
    }

    @Test
    void undeployed_shas_are_counted_until_somebody_ships_them() {
        Run holder = replica.acquire("production");
        replica.acquire("production");
        replica.acquire("production");
        replica.acquire(ask("production").batched().sha("a1"));
        replica.acquire(ask("production").batched().sha("a1"));
        replica.acquire(ask("production").batched().sha("b2"));
        replica.acquire(ask("production").batched());
        assertThat(replica.value("lockkeeper_undeployed_shas{environment=\"production\"}"))
                .isEqualTo(2);

        replica.coordinator.release(Replica.proof(holder), new Report(Report.Result.SUCCESS, "a1"));

        assertThat(replica.value("lockkeeper_undeployed_shas{environment=\"production\"}"))
                .isOne();
    }

    @Test
    void freeze_by_hand_is_shown_until_it_is_lifted() {
        replica.administration.freeze(PRODUCTION, new FreezeEnd(null, null), ADMIN);
        assertThat(replica.value("lockkeeper_frozen{environment=\"production\"}"))
                .isOne();

        replica.administration.unfreeze(PRODUCTION, ADMIN);
        assertThat(replica.value("lockkeeper_frozen{environment=\"production\"}"))
                .isZero();
    }

    @Test
    void freeze_of_all_environments_is_shown_in_each_also_in_the_default_one_before_its_first_run() {
        replica.declare("web", "lease_seconds", "60");

        replica.administration.freezeAll(new FreezeEnd(null, null), ADMIN);

        assertThat(replica.series())
                .containsEntry("lockkeeper_frozen{environment=\"production\"}", 1.0)
                .containsEntry("lockkeeper_frozen{environment=\"web\"}", 1.0);
    }

    @Test
    void window_of_the_policy_is_a_freeze() {
        replica.declare(
                "production",
                "freeze_windows",
                "'[{\"cron\": \"* * * * *\", \"time_zone\": \"UTC\", \"duration_seconds\": 3600, \"reason\": \"always\"}]'");

        assertThat(replica.value("lockkeeper_frozen{environment=\"production\"}"))
                .isOne();
    }

    @Test
    void quarantine_is_shown_until_it_is_acknowledged() {
        replica.declare("production", "on_failure", "'quarantine'");
        replica.release(replica.acquire("production"), Report.Result.FAILURE);
        assertThat(replica.value("lockkeeper_quarantined{environment=\"production\"}"))
                .isOne();

        replica.administration.acknowledge(PRODUCTION, ADMIN);
        assertThat(replica.value("lockkeeper_quarantined{environment=\"production\"}"))
                .isZero();
    }

    @Test
    void ten_scrapers_cost_one_query() throws Exception {
        replica.forget();
        replica.queries.set(0);

        try (ExecutorService scrapers = Executors.newFixedThreadPool(10)) {
            Callable<String> scrape = replica::scrape;
            for (Future<String> scraped : scrapers.invokeAll(Collections.nCopies(10, scrape))) {
                assertThat(scraped.get()).contains("lockkeeper_queue_length");
            }
        }

        assertThat(replica.queries).hasValue(1);
    }

    @Test
    void nothing_is_read_again_within_the_cache_time_and_once_after_it() {
        replica.forget();
        replica.scrape();
        replica.queries.set(0);

        replica.clock.add(Duration.ofMillis(4999));
        replica.scrape();
        assertThat(replica.queries).hasValue(0);

        replica.clock.add(Duration.ofMillis(1));
        replica.scrape();
        assertThat(replica.queries).hasValue(1);
    }

    @Test
    void transitions_cost_the_gauges_nothing() {
        replica.scrape();
        replica.queries.set(0);

        replica.release(replica.acquire("production"));

        assertThat(replica.queries).hasValue(0);
    }

    @Test
    void replicas_show_the_same() {
        try (Replica other = new Replica(replica.database, Replica.DEFAULTS)) {
            replica.acquire("web");
            replica.acquire("web");
            replica.administration.freeze(PRODUCTION, new FreezeEnd(null, null), ADMIN);

            assertThat(gauges(other)).isEqualTo(gauges(replica)).isNotEmpty();
            assertThat(other.value("lockkeeper_queue_length{environment=\"web\"}"))
                    .isEqualTo(2);
        }
    }

    /** Without those that grow by the second. */
    private static Map<String, Double> gauges(Replica replica) {
        Map<String, Double> gauges = replica.series();
        gauges.keySet()
                .removeIf(series -> !series.matches(
                        "lockkeeper_(queue_length|skip_ratio|undeployed_shas|frozen|quarantined)\\{.*"));
        return gauges;
    }

    @Test
    void environments_beyond_the_bound_share_a_value_and_show_the_worst_of_theirs() {
        try (Replica bounded = new Replica(replica.database, new MetricsProperties(5, 3, 10))) {
            for (int i = 0; i < 6; i++) {
                bounded.acquire("preview-" + i);
            }
            bounded.acquire("preview-4");

            Map<String, Double> series = bounded.series();

            assertThat(environments(series))
                    .containsExactlyInAnyOrder("production", "preview-0", "preview-1", "_other");
            assertThat(series).containsEntry("lockkeeper_queue_length{environment=\"_other\"}", 2.0);
            assertThat(series)
                    .containsEntry(
                            "lockkeeper_lock_wait_seconds_count{environment=\"_other\",outcome=\"granted\"}", 4.0);
        }
    }

    @Test
    void environment_that_is_declared_takes_the_place_of_one_that_a_run_made() {
        try (Replica bounded = new Replica(replica.database, new MetricsProperties(5, 3, 10))) {
            bounded.acquire("preview-0");
            bounded.acquire("preview-1");
            assertThat(environments(bounded.series()))
                    .containsExactlyInAnyOrder("production", "preview-0", "preview-1");

            bounded.declare("shop", "lease_seconds", "60");

            assertThat(environments(bounded.series()))
                    .containsExactlyInAnyOrder("production", "shop", "preview-0", "_other");
        }
    }

    @Test
    void every_replica_names_the_same_environments() {
        MetricsProperties properties = new MetricsProperties(5, 3, 10);
        try (Replica one = new Replica(replica.database, properties);
                Replica two = new Replica(replica.database, properties)) {
            for (int i = 0; i < 6; i++) {
                (i % 2 == 0 ? one : two).acquire("preview-" + i);
            }

            assertThat(environments(one.series())).isEqualTo(environments(two.series()));
        }
    }

    private static Set<String> environments(Map<String, Double> series) {
        return series.keySet().stream()
                .filter(name -> name.contains("environment="))
                .map(name -> name.replaceAll(".*environment=\"([^\"]*)\".*", "$1"))
                .collect(Collectors.toSet());
    }

    @Test
    void without_the_database_the_counters_are_still_there_and_the_gauges_are_unknown_after_a_while() {
        replica.release(replica.acquire("production"));
        replica.scrape();
        replica.loseDatabase();

        replica.clock.add(Duration.ofSeconds(20));
        assertThat(replica.scrape())
                .contains("lockkeeper_queue_length{environment=\"production\"} 0.0")
                .contains("lockkeeper_runs_total{environment=\"production\",outcome=\"success\"} 1.0");

        replica.forget();
        assertThat(replica.scrape())
                .contains("lockkeeper_queue_length{environment=\"production\"} NaN")
                .contains("lockkeeper_runs_total{environment=\"production\",outcome=\"success\"} 1.0");
    }
}
