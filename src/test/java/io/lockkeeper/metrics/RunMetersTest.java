package io.lockkeeper.metrics;

import static io.lockkeeper.metrics.Replica.ADMIN;
import static io.lockkeeper.metrics.Replica.ask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.FreezeEnd;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessException;

/** What is counted and measured, and when. Whatever a test does, the runs that ended are those that the database has. */
class RunMetersTest {
    private final Replica replica = new Replica();

    @AfterEach
    void close() {
        assertThat(runs(replica)).isEqualTo(replica.ended());
        replica.close();
    }

    @Test
    void everything_is_at_zero_before_the_first_use() {
        assertThat(replica.series())
                .isNotEmpty()
                .allSatisfy((series, value) -> assertThat(value).as(series).isZero());
    }

    @Test
    void run_that_is_granted_at_once_has_waited_for_no_time() {
        replica.acquire("production");

        assertThat(replica.counted()).containsExactly(wait("granted"));
        assertThat(
                        replica.value(
                                "lockkeeper_lock_wait_seconds_bucket{environment=\"production\",outcome=\"granted\",le=\"1.0\"}"))
                .isOne();
    }

    @Test
    void queued_run_is_counted_when_it_is_granted_and_by_the_replica_that_granted_it() {
        Run first = replica.acquire("production");
        Run second = replica.acquire("production");
        replica.passesInPresence(Duration.ofSeconds(400), second);
        assertThat(replica.counted()).containsExactly(wait("granted"));

        try (Replica other = new Replica(replica.database, Replica.DEFAULTS)) {
            other.release(first);

            assertThat(other.counted()).containsOnly(wait("granted"), ended("success"), deployment("none", "success"));
            Map<String, Double> series = other.series();
            assertThat(series.get("lockkeeper_lock_wait_seconds_sum{environment=\"production\",outcome=\"granted\"}"))
                    .isBetween(400.0, 500.0);
            assertThat(
                            series.get(
                                    "lockkeeper_lock_wait_seconds_bucket{environment=\"production\",outcome=\"granted\",le=\"300.0\"}"))
                    .isZero();
            assertThat(
                            series.get(
                                    "lockkeeper_lock_wait_seconds_bucket{environment=\"production\",outcome=\"granted\",le=\"600.0\"}"))
                    .isOne();
            assertThat(replica.counted()).containsExactly(wait("granted"));
            assertThat(runs(other)).isEqualTo(replica.ended());
            other.release(second); // For the balance of this replica, below.
            replica.jdbc.update("DELETE FROM run_environment");
        }
    }

    @Test
    void deployment_is_measured_from_its_grant_to_its_end() {
        Run run = replica.acquire(ask("production").tier("1-lightning"));
        replica.passes(Duration.ofSeconds(1000), run);

        replica.release(run, Report.Result.FAILURE);

        assertThat(replica.counted())
                .containsOnly(wait("granted"), ended("failure"), deployment("1-lightning", "failure"));
        assertThat(
                        replica.value(
                                "lockkeeper_deployment_duration_seconds_sum{environment=\"production\",status=\"failure\",tier=\"1-lightning\"}"))
                .isBetween(1000.0, 1100.0);
    }

    @Test
    void lease_that_ran_out_is_an_orphan() {
        Run run = replica.acquire("production");
        replica.passes(Duration.ofHours(1), run);

        replica.sweep();

        assertThat(replica.counted())
                .containsOnly(
                        wait("granted"),
                        ended("expired"),
                        deployment("none", "expired"),
                        in("lockkeeper_lock_orphans_total"));
    }

    @Test
    void late_release_of_an_orphan_counts_nothing_more() {
        Run run = replica.acquire("production");
        replica.passes(Duration.ofHours(1), run);
        replica.sweep();
        Map<String, Double> before = replica.counted();

        replica.release(run);

        assertThat(replica.counted()).isEqualTo(before);
    }

    @Test
    void forced_release_is_counted() {
        replica.forceRelease(replica.acquire("production"));

        assertThat(replica.counted())
                .containsOnly(
                        wait("granted"),
                        ended("preempted"),
                        deployment("none", "preempted"),
                        in("lockkeeper_force_releases_total"));
    }

    @Test
    void run_that_waited_for_too_long_is_a_timeout() {
        replica.acquire("production");
        Run second = replica.acquire("production");
        replica.passesInPresence(Duration.ofHours(2), second);

        replica.sweep();

        assertThat(replica.counted())
                .containsOnly(
                        wait("granted"), wait("timed_out"), ended("timed_out"), in("lockkeeper_lock_timeouts_total"));
    }

    @Test
    void run_whose_client_has_gone_is_no_timeout() {
        replica.acquire("production");
        Run second = replica.acquire("production");
        replica.passes(Duration.ofMinutes(10), second);

        replica.sweep();

        assertThat(replica.counted()).containsOnly(wait("granted"), wait("abandoned"), ended("abandoned"));
    }

    @Test
    void grant_that_nobody_noticed_is_no_deployment() {
        Run first = replica.acquire("production");
        Run second = replica.acquire("production");
        replica.release(first);
        replica.passes(Duration.ofMinutes(10), second);

        replica.sweep();

        assertThat(replica.status(second)).isEqualTo(RunStatus.ABANDONED);
        assertThat(replica.counted())
                .containsOnly(
                        twice(wait("granted")), ended("success"), deployment("none", "success"), ended("abandoned"));
    }

    @Test
    void cancelled_run_has_waited_until_then() {
        replica.acquire("production");

        replica.cancel(replica.acquire("production"));

        assertThat(replica.counted()).containsOnly(wait("granted"), wait("cancelled"), ended("cancelled"));
    }

    @Test
    void skipped_run_has_not_waited() {
        replica.acquire("production");
        replica.acquire("production");
        replica.acquire("production");

        assertThat(replica.acquire(ask("production").batched()).status()).isEqualTo(RunStatus.SKIPPED);

        assertThat(replica.counted()).containsOnly(wait("granted"), ended("skipped"));
    }

    @Test
    void superseded_run_has_waited_until_then() {
        replica.declare("production", "queue_mode", "'latest_only'");
        replica.acquire("production");
        replica.acquire("production");

        replica.acquire("production");

        assertThat(replica.counted()).containsOnly(wait("granted"), wait("superseded"), ended("superseded"));
    }

    @Test
    void approval_is_no_wait_for_the_lock() {
        replica.declare("production", "approvals_required", "1");
        Run approved = replica.acquire("production");
        Run rejected = replica.acquire("production");
        Run forgotten = replica.acquire("production");
        replica.passes(Duration.ofMinutes(30), approved);
        replica.passes(Duration.ofDays(2), forgotten);

        replica.administration.approve(approved.id(), true, ADMIN);
        replica.administration.reject(rejected.id(), true, ADMIN);
        replica.sweep();

        assertThat(replica.counted()).containsOnly(wait("granted"), ended("rejected"), ended("timed_out"));
        assertThat(replica.value("lockkeeper_lock_wait_seconds_sum{environment=\"production\",outcome=\"granted\"}"))
                .isZero();
    }

    @Test
    void run_of_several_environments_counts_once_in_each() {
        replica.release(replica.acquire("web", "worker"));

        assertThat(runs(replica))
                .containsOnly(
                        entry("lockkeeper_runs_total{environment=\"web\",outcome=\"success\"}", 1.0),
                        entry("lockkeeper_runs_total{environment=\"worker\",outcome=\"success\"}", 1.0));
    }

    @Test
    void repeated_request_counts_once() {
        Run run = replica.acquire(ask("production").key("again"));
        replica.acquire(ask("production").key("again"));
        replica.release(run);
        replica.release(run);
        replica.acquire(ask("production").key("again"));

        assertThat(replica.counted()).containsOnly(wait("granted"), ended("success"), deployment("none", "success"));
    }

    @Test
    void heartbeats_count_nothing() {
        Run run = replica.acquire("production");

        replica.coordinator.heartbeat(Replica.proof(run));

        assertThat(replica.counted()).containsExactly(wait("granted"));
    }

    @Test
    void what_is_not_committed_is_not_counted() {
        Run run = replica.acquire("production");
        // Everything is written, and then the commit fails.
        replica.jdbc.execute("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'on purpose';
                END $$""");
        replica.jdbc.execute("""
                CREATE CONSTRAINT TRIGGER fails_at_commit AFTER UPDATE ON run DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION fail()""");

        assertThatThrownBy(() -> replica.release(run)).isInstanceOf(DataAccessException.class);

        assertThat(replica.counted()).containsExactly(wait("granted"));
    }

    @Test
    void refused_acquire_is_counted_each_time_and_by_its_reason() {
        replica.acquire("production");
        for (int i = 0; i < 2; i++) {
            replica.coordinator.acquire(
                    ask("production").failFast().key("again").build());
        }
        replica.declare("frozen", "lease_seconds", "60");
        replica.administration.freeze(new EnvironmentName("frozen"), new FreezeEnd(null, null), ADMIN);
        replica.coordinator.acquire(ask("frozen").failFast().build());
        replica.declare("ill", "on_failure", "'quarantine'");
        replica.release(replica.acquire("ill"), Report.Result.FAILURE);
        replica.coordinator.acquire(ask("ill").failFast().build());
        replica.declare("guarded", "approvals_required", "1");
        replica.coordinator.acquire(ask("guarded").failFast().build());
        replica.declare("last", "promote_from", "'production'");
        replica.coordinator.acquire(ask("last").sha("a1").build());

        Map<String, Double> refusals = replica.counted();
        refusals.keySet().removeIf(series -> !series.startsWith("lockkeeper_acquire_refusals_total"));
        assertThat(refusals)
                .containsOnly(
                        twice(refusal("production", "lock-held")),
                        refusal("frozen", "frozen"),
                        refusal("ill", "quarantined"),
                        refusal("guarded", "approval-required"),
                        refusal("last", "promotion-required"));
    }

    @Test
    void name_that_somebody_makes_up_gets_no_series_by_being_refused() {
        replica.administration.freezeAll(new FreezeEnd(null, null), new Actor("olivia", "all"));

        replica.coordinator.acquire(ask("made-up").failFast().build());

        assertThat(replica.series().keySet()).noneMatch(series -> series.contains("made-up"));
        assertThat(replica.counted()).containsExactly(refusal("_other", "frozen"));
    }

    @Test
    void environment_is_there_at_zero_as_soon_as_it_is_there() {
        replica.declare("elsewhere", "lease_seconds", "60");
        replica.acquire("here");

        Map<String, Double> series = replica.series();
        for (String environment : new String[] {"production", "elsewhere", "here"}) {
            assertThat(series.keySet().stream()
                            .filter(name -> name.contains("\"" + environment + "\""))
                            .map(name -> name.replace(environment, "x"))
                            .collect(Collectors.toSet()))
                    .as(environment)
                    .isEqualTo(series.keySet().stream()
                            .filter(name -> name.contains("\"production\""))
                            .map(name -> name.replace("production", "x"))
                            .collect(Collectors.toSet()));
        }
    }

    @Test
    void tier_is_there_at_zero_on_every_replica_while_its_run_is_pending() {
        try (Replica other = new Replica(replica.database, Replica.DEFAULTS)) {
            Run run = replica.acquire(ask("production").tier("2-thorough"));

            String series =
                    "lockkeeper_deployment_duration_seconds_count{environment=\"production\",status=\"success\",tier=\"2-thorough\"}";
            assertThat(other.value(series)).isZero();
            assertThat(replica.value(series)).isZero();
            replica.release(run);
        }
    }

    @Test
    void tiers_beyond_the_bound_share_a_value() {
        try (Replica bounded = new Replica(replica.database, new MetricsProperties(5, 100, 2))) {
            for (int i = 0; i < 5; i++) {
                bounded.release(bounded.acquire(ask("production").tier("tier-" + i)));
            }
            Map<String, Double> counted = bounded.counted();
            counted.keySet().removeIf(series -> !series.startsWith("lockkeeper_deployment"));
            assertThat(counted)
                    .containsOnly(
                            deployment("tier-0", "success"),
                            deployment("tier-1", "success"),
                            entry(deployment("_other", "success").getKey(), 3.0));
            replica.jdbc.update("DELETE FROM run_environment");
        }
    }

    private static Map<String, Double> runs(Replica replica) {
        Map<String, Double> counted = replica.counted();
        counted.keySet().removeIf(series -> !series.startsWith("lockkeeper_runs_total"));
        return counted;
    }

    private static Map.Entry<String, Double> in(String counter) {
        return entry(counter + "{environment=\"production\"}", 1.0);
    }

    private static Map.Entry<String, Double> ended(String outcome) {
        return entry("lockkeeper_runs_total{environment=\"production\",outcome=\"" + outcome + "\"}", 1.0);
    }

    private static Map.Entry<String, Double> wait(String outcome) {
        return entry("lockkeeper_lock_wait_seconds_count{environment=\"production\",outcome=\"" + outcome + "\"}", 1.0);
    }

    private static Map.Entry<String, Double> deployment(String tier, String status) {
        return entry(
                "lockkeeper_deployment_duration_seconds_count{environment=\"production\",status=\"" + status
                        + "\",tier=\"" + tier + "\"}",
                1.0);
    }

    private static Map.Entry<String, Double> refusal(String environment, String code) {
        return entry(
                "lockkeeper_acquire_refusals_total{code=\"" + code + "\",environment=\"" + environment + "\"}", 1.0);
    }

    private static Map.Entry<String, Double> twice(Map.Entry<String, Double> once) {
        return entry(once.getKey(), 2 * once.getValue());
    }
}
