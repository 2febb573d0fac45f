package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** The scrape of two replicas as Prometheus gets it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MetricsIT {
    private static final Path FRESH = Path.of("src/test/resources/metrics/fresh.txt");
    private static final Pattern SERIES = Pattern.compile("(?m)^(lockkeeper_[a-z_]+(?:\\{.*})?) (\\S+)$");

    private final TestDatabase database = TestDatabase.migrated();
    private final ServiceProcess firstProcess =
            ServiceProcess.startOn(database, "--lockkeeper.metrics.cache-seconds=1");
    private final ServiceProcess secondProcess =
            ServiceProcess.startOn(database, "--lockkeeper.metrics.cache-seconds=1");
    private final Api first = new Api(firstProcess.url(), firstProcess.adminToken());
    private final Api second = new Api(secondProcess.url(), secondProcess.adminToken());

    @AfterAll
    void stop() {
        firstProcess.close();
        secondProcess.close();
    }

    private static String scrape(Api api) {
        Answer answer = api.call("GET", "/actuator/prometheus", null, "Accept", "text/plain;version=0.0.4");
        assertThat(answer.status()).isEqualTo(200);
        return answer.text();
    }

    private static Map<String, Double> series(Api api) {
        return SERIES.matcher(scrape(api))
                .results()
                .collect(Collectors.toMap(
                        series -> series.group(1),
                        series -> Double.parseDouble(series.group(2)),
                        (one, _) -> one,
                        TreeMap::new));
    }

    /** Names, labels, types and help of every series. Where they changed on purpose, copy target/metrics-fresh.txt and review it. */
    @Test
    @Order(1)
    void fresh_service_has_every_series_at_zero() throws IOException {
        String fresh = scrape(first)
                .lines()
                .filter(line -> line.matches("(# (HELP|TYPE) )?lockkeeper_.*"))
                .collect(Collectors.joining("\n", "", "\n"));
        Files.writeString(Path.of("target/metrics-fresh.txt"), fresh);

        assertThat(fresh).isEqualTo(Files.readString(FRESH));
    }

    @Test
    @Order(2)
    void counters_are_a_replicas_own_and_gauges_are_the_same_everywhere() {
        Answer holder = first.acquire("shop", "{\"tier\": \"1-lightning\"}");
        Answer waiting = first.acquire("shop", "{}");
        await().until(() -> queueLength(second) == 2);
        await().until(() -> queueLength(first) == 2);
        String duration =
                "lockkeeper_deployment_duration_seconds_count{environment=\"shop\",status=\"success\",tier=\"1-lightning\"}";
        assertThat(series(second)).containsEntry(duration, 0.0);

        second.release(holder);
        second.release(holder);

        assertThat(series(second))
                .containsEntry(duration, 1.0)
                .containsEntry("lockkeeper_runs_total{environment=\"shop\",outcome=\"success\"}", 1.0)
                .containsEntry("lockkeeper_lock_wait_seconds_count{environment=\"shop\",outcome=\"granted\"}", 1.0);
        assertThat(series(first))
                .containsEntry(duration, 0.0)
                .containsEntry("lockkeeper_runs_total{environment=\"shop\",outcome=\"success\"}", 0.0)
                .containsEntry("lockkeeper_lock_wait_seconds_count{environment=\"shop\",outcome=\"granted\"}", 1.0);
        first.await(waiting, 10);
        first.release(waiting);
        await().until(() -> queueLength(second) == 0);
    }

    private static double queueLength(Api api) {
        return series(api).getOrDefault("lockkeeper_queue_length{environment=\"shop\"}", Double.NaN);
    }

    @Test
    @Order(3)
    void parked_calls_are_counted_where_they_are() {
        Answer holder = first.acquire("parked", "{}");
        Answer waiting = first.acquire("parked", "{}");
        CompletableFuture<Answer> parked = CompletableFuture.supplyAsync(() -> second.await(waiting, 60));

        await().until(() -> series(second).getOrDefault("lockkeeper_waiters", Double.NaN) == 1);
        assertThat(series(first)).containsEntry("lockkeeper_waiters", 0.0);

        first.release(holder);
        second.release(parked.join());
        await().until(() -> series(second).getOrDefault("lockkeeper_waiters", Double.NaN) == 0);
    }

    @Test
    @Order(4)
    void scrape_takes_a_token() {
        Api nobody = new Api(firstProcess.url(), "lkt_of-nobody");

        assertThat(nobody.call("GET", "/actuator/prometheus", null).status()).isEqualTo(401);
    }
}
