package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.monitoring.AlertRules;
import io.lockkeeper.monitoring.AlertRules.Rule;
import io.lockkeeper.monitoring.Dashboard;
import io.lockkeeper.monitoring.Dashboard.Query;
import io.lockkeeper.monitoring.MonitoringTool;
import io.lockkeeper.service.Api.Answer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.core.ThrowingRunnable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/**
 * A bad day of two replicas, scraped by a real Prometheus: what each alert and each panel asks is answered with what happened. The day is a
 * matter of seconds, so hours pass by moving stored rows, and of an alert it is asked whether its condition holds, not for how long.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MonitoringIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Where nobody listens: the discard protocol's port. */
    private static final String ABSENT_REPLICA = "127.0.0.1:9";

    /** In a query: what is in quotes, label matchers, labels to group by, ranges, operators. */
    private static final Pattern NO_METRIC =
            Pattern.compile("\"[^\"]*\"|\\{[^}]*}|\\b(by|on) \\([^)]*\\)|\\[[^]]*]|\\b(and|or|unless)\\b");
    /** In what is left of it: a name that is not called as a function. */
    private static final Pattern METRIC = Pattern.compile("(?<![\\w.:$])[a-z][a-z_0-9:]*\\b(?!\\s*\\()");

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final CompletableFuture<ServiceProcess> starting = CompletableFuture.supplyAsync(this::replica);
    private final ServiceProcess firstReplica = replica();
    private final ServiceProcess secondReplica = starting.join();
    private final Api first = new Api(firstReplica.url(), firstReplica.adminToken());
    private final Api second = new Api(secondReplica.url(), secondReplica.adminToken());
    private final Set<String> exportedAtStart = exported();
    private @Nullable PrometheusServer prometheus;
    private @Nullable Answer waiter;

    @TempDir
    @Nullable
    static Path directory;

    private ServiceProcess replica() {
        // Those that wait here ask once, and are to wait however long this takes.
        return ServiceProcess.startOn(
                database,
                "--lockkeeper.metrics.cache-seconds=1",
                "--lockkeeper.queue.presence-seconds=86400",
                "--lockkeeper.webhooks.deaf.url=http://" + ABSENT_REPLICA,
                "--lockkeeper.webhooks.deaf.format=slack");
    }

    @AfterAll
    void stop() {
        if (prometheus != null) {
            prometheus.close();
        }
        firstReplica.close();
        secondReplica.close();
    }

    private Set<String> exported() {
        first.integrity(); // HTTP calls are counted once there was one.
        return first.call("GET", "/actuator/prometheus", null)
                .text()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]", 2)[0])
                .collect(Collectors.toSet());
    }

    @Test
    void every_metric_that_a_rule_or_a_panel_names_is_exported_by_a_service_in_which_nothing_has_happened_yet() {
        Set<String> named = Stream.concat(
                        AlertRules.all().stream().map(Rule::expression),
                        Dashboard.queries().stream().map(Query::expression))
                .map(expression -> NO_METRIC.matcher(expression).replaceAll(" "))
                .flatMap(expression -> METRIC.matcher(expression).results())
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(named).contains("lockkeeper_queue_length", "process_start_time_seconds", "jvm_memory_used_bytes");

        Set<String> known = new TreeSet<>(exportedAtStart);
        known.add("up"); // It is Prometheus's own, and what is recorded is, too.
        AlertRules.all().stream().filter(rule -> !rule.isAlert()).forEach(rule -> known.add(rule.name()));
        assertThat(known).containsAll(named);
    }

    @Test
    void each_alert_holds_where_something_is_wrong_and_nowhere_else() {
        Map<String, Set<String>> wrong = new HashMap<>();
        wrong.put("LockkeeperDeploymentTooLong", Set.of("{environment=long}"));
        wrong.put("LockkeeperOrphan", Set.of("{environment=lost}"));
        wrong.put("LockkeeperQuarantined", Set.of("{environment=fragile}"));
        wrong.put("LockkeeperQueueTooLong", Set.of("{environment=busy}"));
        wrong.put("LockkeeperQueueBuildingUp", Set.of("{environment=busy}"));
        wrong.put("LockkeeperQueueStuck", Set.of("{environment=idle}"));
        wrong.put("LockkeeperWaitTooLong", Set.of("{environment=slow}"));
        wrong.put("LockkeeperTimeout", Set.of("{environment=late}"));
        wrong.put("LockkeeperSkipRateHigh", Set.of("{environment=production}"));
        wrong.put("LockkeeperUndeployed", Set.of("{environment=production}"));
        wrong.put("LockkeeperFrozen", Set.of("{environment=frozen}"));
        wrong.put("LockkeeperDown", Set.of());
        wrong.put("LockkeeperReplicaDown", Set.of("{instance=" + ABSENT_REPLICA + ", job=lockkeeper}"));
        wrong.put("LockkeeperErrors", Set.of("{}"));
        wrong.put("LockkeeperWebhookBehind", Set.of("{webhook=deaf}"));
        PrometheusServer server = afterTheDay();

        assertThat(AlertRules.alerts()).extracting(Rule::name).containsExactlyInAnyOrderElementsOf(wrong.keySet());
        for (var alert : AlertRules.alerts()) {
            eventually(() -> assertThat(server.query(PrometheusServer.moreOften(alert.expression())))
                    .as(alert.name())
                    .containsOnlyKeys(wrong.get(alert.name())));
            assertThat(server.queryLongAgo(alert.expression()))
                    .as("%s without anything to scrape", alert.name())
                    .hasSize(alert.name().equals("LockkeeperDown") ? 1 : 0);
        }
    }

    @Test
    void prometheus_evaluates_all_rules_and_renders_what_it_tells() {
        PrometheusServer server = afterTheDay();

        eventually(() -> assertThat(server.rules())
                .hasSameSizeAs(AlertRules.all())
                .allSatisfy(rule -> assertThat(rule.path("health").asString())
                        .as(rule.path("lastError").asString())
                        .isEqualTo("ok")));
        eventually(() -> assertThat(server.rules())
                .filteredOn(rule -> rule.path("type").asString().equals("alerting"))
                .filteredOn(rule -> !rule.path("name").asString().equals("LockkeeperDown"))
                .allSatisfy(rule -> {
                    assertThat(rule.path("alerts"))
                            .as(rule.path("name").asString())
                            .isNotEmpty();
                    assertThat(rule.path("alerts"))
                            .flatExtracting(alert ->
                                    alert.path("annotations").valueStream().toList())
                            .extracting(JsonNode::asString)
                            .allSatisfy(
                                    text -> assertThat(text).isNotBlank().doesNotContain("{{", "<error", "<no value>"));
                }));
    }

    @Test
    void each_panel_shows_what_happened() {
        Map<String, Consumer<Map<String, Double>>> shown = new HashMap<>();
        double now = System.currentTimeMillis();
        shown.put(
                "Environments A",
                since -> assertThat(since.get("{environment=long}")).isBetween(now - 7_200_000, now - 1_200_000));
        shown.put("Environments B", held -> {
            assertThat(held.get("{environment=long}")).isGreaterThanOrEqualTo(1260);
            assertThat(held).containsEntry("{environment=idle}", 0.0);
        });
        shown.put(
                "Environments C",
                pending -> assertThat(pending)
                        .containsEntry("{environment=busy}", 7.0)
                        .containsEntry("{environment=production}", 0.0));
        shown.put("Environments D", waiting -> {
            assertThat(waiting.get("{environment=idle}")).isGreaterThanOrEqualTo(360);
            assertThat(waiting).containsEntry("{environment=long}", 0.0);
        });
        shown.put(
                "Environments E",
                frozen -> assertThat(frozen)
                        .containsEntry("{environment=frozen}", 1.0)
                        .containsEntry("{environment=fragile}", 0.0));
        shown.put(
                "Environments F",
                quarantined -> assertThat(quarantined)
                        .containsEntry("{environment=fragile}", 1.0)
                        .containsEntry("{environment=frozen}", 0.0));
        shown.put(
                "Environments G",
                undeployed -> assertThat(undeployed)
                        .containsEntry("{environment=production}", 2.0)
                        .containsEntry("{environment=busy}", 0.0));
        shown.put("Pending runs A", shown.get("Environments C"));
        shown.put("Oldest waiter A", shown.get("Environments D"));
        shown.put("Wait for the lock A", p50 -> assertThat(p50.get("{}")).isBetween(0.0, 1.0));
        shown.put("Wait for the lock B", p95 -> assertThat(p95.get("{}")).isBetween(300.0, 600.0));
        shown.put(
                "Duration by tier A",
                p50 -> assertThat(p50.get("{tier=1-lightning}")).isBetween(0.0, 15.0));
        shown.put(
                "Duration by tier B",
                p95 -> assertThat(p95).containsKeys("{tier=1-lightning}", "{tier=2-full}", "{tier=none}"));
        shown.put("Outcomes A", outcomes -> {
            assertThat(outcomes.keySet())
                    .isEqualTo(Set.of("success", "failure", "skipped", "timed_out", "expired", "preempted").stream()
                            .map(outcome -> "{outcome=" + outcome + "}")
                            .collect(Collectors.toSet()));
            assertThat(outcomes.get("{outcome=success}")).isCloseTo(19, within(4.0));
            assertThat(outcomes.get("{outcome=skipped}")).isCloseTo(2, within(0.5));
        });
        for (var reference : List.of("A", "B", "C")) {
            shown.put(
                    "Should be zero " + reference,
                    count -> assertThat(count.get("{}")).isCloseTo(1, within(0.3)));
        }
        shown.put(
                "Skipped A",
                ratio -> assertThat(ratio.get("{environment=production}")).isCloseTo(2.0 / 17, within(0.001)));
        shown.put(
                "Frozen and in quarantine A",
                state -> assertThat(state)
                        .containsEntry("{environment=frozen}", 1.0)
                        .containsEntry("{environment=fragile}", 2.0)
                        .containsEntry("{environment=busy}", 0.0));
        shown.put("Replicas A", up -> assertThat(up).containsExactly(Map.entry("{}", 2.0)));
        shown.put("Waiting calls A", calls -> assertThat(calls).containsExactly(Map.entry("{}", 1.0)));
        shown.put(
                "Calls A",
                rates -> assertThat(rates)
                        .hasEntrySatisfying("{outcome=SERVER_ERROR}", MonitoringIT::isPositive)
                        .hasEntrySatisfying("{outcome=SUCCESS}", MonitoringIT::isPositive));
        shown.put(
                "Database connections A",
                parts -> assertThat(parts)
                        .hasSize(2)
                        .allSatisfy((replica, part) -> assertThat(part).isBetween(0.0, 1.0)));
        shown.put(
                "Database connections B",
                waiting -> assertThat(waiting).hasSize(2).containsValue(0.0));
        shown.put(
                "Heap A",
                parts -> assertThat(parts)
                        .hasSize(2)
                        .allSatisfy((replica, part) -> assertThat(part).isBetween(0.01, 1.0)));
        PrometheusServer server = afterTheDay();
        CompletableFuture<Answer> parked =
                CompletableFuture.supplyAsync(() -> second.await(Objects.requireNonNull(waiter), 60));

        assertThat(Dashboard.queries())
                .extracting(query -> query.panel() + " " + query.reference())
                .containsExactlyInAnyOrderElementsOf(shown.keySet());
        for (var query : Dashboard.queries()) {
            eventually(() -> assertThat(server.query(query.filledIn()))
                    .as("%s: %s", query.panel(), query.filledIn())
                    .satisfies(Objects.requireNonNull(shown.get(query.panel() + " " + query.reference()))));
        }
        assertThat(parked).isNotDone();
    }

    private static void isPositive(Double value) {
        assertThat(value).isPositive();
    }

    /** Prometheus knows of things when it has scraped them, and of rates after two scrapes. */
    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(PATIENCE).untilAsserted(assertion);
    }

    private PrometheusServer afterTheDay() {
        MonitoringTool.PROMETHEUS.assumeInstalled();
        if (prometheus == null) {
            var token = first.call("POST", "/api/admin/tokens", "{\"name\": \"prometheus\", \"role\": \"view\"}")
                    .json()
                    .path("token")
                    .asString();
            prometheus = PrometheusServer.start(
                    Objects.requireNonNull(directory), token, List.of(firstReplica, secondReplica), ABSENT_REPLICA);
            for (var environment :
                    List.of("busy", "forced", "fragile", "frozen", "idle", "late", "long", "lost", "other", "slow")) {
                accepted(first.call("PUT", "/api/admin/environments/" + environment, "{}"));
            }
            var server = prometheus;
            eventually(() -> assertThat(server.query("count(lockkeeper_runs_total{outcome='success'})"))
                    .containsValue(22.0));
            liveThroughTheDay();
            // Nobody takes what the webhook sends, and all of it happened a while ago.
            jdbc.sql("UPDATE event SET at = at - interval '20 minutes'").update();
        }
        return prometheus;
    }

    private void liveThroughTheDay() {
        for (int i = 0; i < 12; i++) {
            deploy(
                    i % 2 == 0 ? first : second,
                    "production",
                    "{\"tier\": \"%s\"}".formatted(i < 9 ? "1-lightning" : "2-full"));
        }
        skipTwo();
        waitTooLong();

        accepted(first.acquire("late", "{}"));
        Answer late = second.acquire("late", "{\"queue_timeout_seconds\": 1}");
        assertThat(second.await(late, 30).outcome()).isEqualTo("ended");

        Answer lost = second.acquire("lost", "{}");
        move("lease_expires_at", lost, Duration.ofHours(1));
        eventually(() -> assertThat(first.look(lost.runId()).outcome()).isEqualTo("ended"));

        Answer forced = second.acquire("forced", "{}");
        accepted(first.call("POST", "/api/admin/environments/forced/force-release", """
                {"confirm": "forced", "fencing_token": %d, "reason": "Looked dead", "even_if_alive": true}""".formatted(
                        forced.json().path("fencing_token").asLong())));

        accepted(first.call("PUT", "/api/admin/environments/frozen/freeze", "{\"reason\": \"Weekend\"}"));
        accepted(first.acquire("frozen", "{}"));

        accepted(first.call("PUT", "/api/admin/environments/fragile", "{\"on_failure\": \"quarantine\"}"));
        accepted(second.release(second.acquire("fragile", "{}"), "{\"status\": \"failure\"}"));

        move("granted_at", first.acquire("long", "{}"), Duration.ofMinutes(21));

        accepted(first.acquire("busy", "{}"));
        waiter = second.acquire("busy", "{\"batch\": false}");
        for (int i = 0; i < 5; i++) {
            accepted(second.acquire("busy", "{\"batch\": false}"));
        }

        accepted(first.acquire("other", "{}"));
        move(
                "queue_expires_at",
                second.call("POST", "/api/acquire", "{\"environments\": [\"idle\", \"other\"]}"),
                Duration.ofMinutes(6));

        breakDown();
    }

    /** Two changes are left to a run that is pinned to its own, so nobody deploys them. */
    private void skipTwo() {
        Answer holder = first.acquire("production", "{\"sha\": \"a1\"}");
        Answer next = second.acquire("production", "{\"sha\": \"b2\"}");
        Answer cover = first.acquire("production", "{\"sha\": \"c3\"}");
        assertThat(second.acquire("production", "{\"sha\": \"d4\"}").outcome()).isEqualTo("skipped");
        assertThat(first.acquire("production", "{\"sha\": \"e5\"}").outcome()).isEqualTo("skipped");
        finish(first, holder);
        finish(second, next);
        finish(first, cover);
    }

    private void waitTooLong() {
        Answer holder = first.acquire("slow", "{}");
        List<Answer> queue = Stream.generate(() -> second.acquire("slow", "{\"batch\": false}"))
                .limit(3)
                .toList();
        queue.forEach(run -> move("queue_expires_at", run, Duration.ofMinutes(6)));
        finish(first, holder);
        queue.forEach(run -> finish(second, run));
    }

    /** Answers calls with errors for a while: the audit trail cannot be read. The second half is what the first is compared with. */
    private void breakDown() {
        var server = Objects.requireNonNull(prometheus);
        jdbc.sql("ALTER TABLE audit RENAME TO audit_elsewhere").update();
        try {
            var errors = "sum(http_server_requests_seconds_count{outcome='SERVER_ERROR'})";
            for (int half = 0; half < 2; half++) {
                var before = server.query(errors).getOrDefault("{}", 0.0);
                for (int i = 0; i < 50; i++) {
                    assertThat(first.call("GET", "/api/admin/audit", null).status())
                            .isEqualTo(500);
                }
                eventually(() -> assertThat(server.query(errors))
                        .hasEntrySatisfying("{}", count -> assertThat(count).isGreaterThanOrEqualTo(before + 50)));
            }
        } finally {
            jdbc.sql("ALTER TABLE audit_elsewhere RENAME TO audit").update();
        }
    }

    private void deploy(Api api, String environment, String body) {
        finish(api, api.acquire(environment, body));
    }

    private void finish(Api api, Answer run) {
        assertThat(api.await(run, 30).outcome()).isEqualTo("granted");
        accepted(api.release(run));
    }

    private static void accepted(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isLessThan(300);
    }

    /** Has something of a run happened so much earlier. */
    private void move(String column, Answer run, Duration earlier) {
        int rows = jdbc.sql("UPDATE run SET %s = %s - make_interval(secs => :seconds) WHERE id = :id"
                        .formatted(column, column))
                .param("seconds", earlier.toSeconds())
                .param("id", run.runId())
                .update();
        assertThat(rows).isEqualTo(1);
    }
}
