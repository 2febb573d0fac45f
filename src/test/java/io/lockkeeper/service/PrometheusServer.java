package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Ports;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.monitoring.AlertRules;
import io.lockkeeper.monitoring.MonitoringPage;
import io.lockkeeper.monitoring.MonitoringTool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A real Prometheus that scrapes some replicas, with the configuration that the documentation has, but more often. Its data is thrown away.
 */
final class PrometheusServer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String INTERVAL = "1s";
    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final URI url;
    private final Process process;

    private PrometheusServer(URI url, Process process) {
        this.url = url;
        this.process = process;
    }

    /**
     * Starts one and waits until it has scraped all replicas.
     *
     * @param directory where its files are
     * @param absent the address of one more replica, which is not there
     */
    static PrometheusServer start(Path directory, String token, List<ServiceProcess> replicas, String absent) {
        try {
            Files.writeString(directory.resolve("lockkeeper-token"), token);
            Files.writeString(directory.resolve("rules.yaml"), moreOften(Files.readString(AlertRules.FILE)));
            var targets = Stream.concat(
                            replicas.stream().map(replica -> replica.url().getAuthority()), Stream.of(absent))
                    .map(target -> "\"" + target + "\"")
                    .collect(Collectors.joining(", ", "[", "]"));
            var configuration = MonitoringPage.file("prometheus.yml")
                    .replace("/etc/prometheus", directory.toString())
                    .replace("30s", INTERVAL)
                    .replace("[\"lockkeeper-1:8080\", \"lockkeeper-2:8080\"]", targets)
                    .replaceFirst("(?s)alerting:.*?\n\n", ""); // There is no Alertmanager.
            var file = Files.writeString(directory.resolve("prometheus.yml"), configuration);
            int port = Ports.free();
            var log = directory.resolve("prometheus.log");
            var process = new ProcessBuilder(
                            MonitoringTool.PROMETHEUS.command(),
                            "--config.file=" + file,
                            "--storage.tsdb.path=" + directory.resolve("data"),
                            "--web.listen-address=127.0.0.1:" + port,
                            "--log.level=warn")
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            var server = new PrometheusServer(URI.create("http://127.0.0.1:" + port), process);
            try {
                Awaitility.await()
                        .atMost(PATIENCE)
                        .ignoreExceptions() // Not listening yet.
                        .untilAsserted(() ->
                                assertThat(server.query("sum(up)")).containsEntry("{}", (double) replicas.size()));
            } catch (ConditionTimeoutException e) {
                server.close();
                throw new AssertionError("Prometheus does not scrape: " + Files.readString(log), e);
            }
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A subquery looks once a minute: it would show what happens now up to a minute later. */
    static String moreOften(String expressions) {
        return expressions.replace(":1m]", ":" + INTERVAL + "]");
    }

    /** What a query answers now: labels but the metric's name, such as {@code {environment=production}}, to the value. */
    Map<String, Double> query(String expression) {
        return values("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
    }

    /** What it would have answered before there was anything to scrape. */
    Map<String, Double> queryLongAgo(String expression) {
        return values("/api/v1/query?time=1&query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
    }

    private Map<String, Double> values(String path) {
        Map<String, Double> values = new TreeMap<>();
        for (JsonNode sample : ask(path).path("result")) {
            var labels = new TreeMap<String, String>();
            sample.path("metric").forEachEntry((name, value) -> labels.put(name, value.asString()));
            labels.remove("__name__");
            values.put(
                    labels.toString(),
                    Double.parseDouble(sample.path("value").path(1).asString()));
        }
        return values;
    }

    /** The rules and how their evaluation went. */
    List<JsonNode> rules() {
        return ask("/api/v1/rules")
                .path("groups")
                .valueStream()
                .flatMap(group -> group.path("rules").valueStream())
                .toList();
    }

    private JsonNode ask(String path) {
        var answer = JSON.readTree(get(path));
        if (!answer.path("status").asString().equals("success")) {
            throw new AssertionError(path + " answers " + answer);
        }
        return answer.path("data");
    }

    private String get(String path) {
        try {
            return http.send(HttpRequest.newBuilder(url.resolve(path)).build(), BodyHandlers.ofString())
                    .body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        http.close();
    }
}
