package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.sun.net.httpserver.HttpServer;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** The health of an environment as the status tells it, from its URL to the answer. */
class HealthIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private ServiceProcess service;
    private HttpServer server;
    private JdbcClient jdbc;
    private Api api;
    private volatile int code = 200;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/health", exchange -> {
            exchange.sendResponseHeaders(code, -1);
            exchange.close();
        });
        server.start();
        service = ServiceProcess.start("--lockkeeper.health.interval-seconds=5");
        jdbc = JdbcClient.create(service.database().dataSource());
        api = new Api(service.url(), service.adminToken());
        api.release(api.acquire("shop", "{}"));
    }

    @AfterEach
    void stop() {
        service.close();
        server.stop(0);
    }

    @Test
    void status_shows_what_the_environment_says_of_itself() throws IOException {
        assertThat(health().path("status").asString()).isEqualTo("healthy");
        assertThat(health().has("detail")).isFalse();

        healthUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/health");
        // Not the coordinator's own state any more, whether or not the prober was here yet.
        assertThat(health().has("detail")).isTrue();
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(health().path("detail").asString()).matches("Answered 200 in \\d+ ms\\."));
        assertThat(health().path("status").asString()).isEqualTo("healthy");

        code = 503;
        await().atMost(PATIENCE).until(() -> health().path("detail").asString().startsWith("Answered 503"));
        assertThat(health().path("status").asString()).isEqualTo("degraded");
        assertThat(api.call("GET", "/api/admin/deployment-status?environment=shop", null, "Accept", "text/plain")
                        .text())
                .contains("\nhealth=degraded\nhealth_detail=Answered 503 in ");

        server.stop(0);
        await().atMost(PATIENCE).until(() -> health().path("status").asString().equals("unhealthy"));

        healthUrl(null);
        assertThat(health().path("status").asString()).isEqualTo("healthy");
        assertThat(health().has("detail")).isFalse();
        await().atMost(PATIENCE)
                .until(() -> jdbc.sql("SELECT count(*) FROM environment_health")
                                .query(Integer.class)
                                .single()
                        == 0);
    }

    @Test
    void old_result_is_not_told_as_if_it_were_of_now() throws Exception {
        healthUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/health");
        await().atMost(PATIENCE).until(() -> health().path("status").asString().equals("healthy"));

        // Somebody else has the turn, and does nothing with it.
        try (Connection other = service.database().dataSource().getConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT pg_advisory_xact_lock(hashtextextended('lockkeeper health prober', 0))");
            jdbc.sql(
                            "UPDATE environment_health SET checked_at = checked_at - make_interval(secs => 60), claimed_at = claimed_at - make_interval(secs => 60)")
                    .update();

            assertThat(health().path("status").asString()).isEqualTo("degraded");
            assertThat(health().path("detail").asString())
                    .matches("The last probe is too old to tell\\. It said healthy: Answered 200 in \\d+ ms\\.");
        }
        await().atMost(PATIENCE).until(() -> health().path("status").asString().equals("healthy"));
    }

    private JsonNode health() throws IOException {
        Answer status = api.status("shop");
        assertThat(status.status()).isEqualTo(200);
        assertThat(SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(Files.readString(Path.of("docs", "deployment-status.schema.json")))
                        .validate(status.text(), InputFormat.JSON))
                .isEmpty();
        return status.json().path("health");
    }

    private void healthUrl(@Nullable String url) {
        jdbc.sql("UPDATE environment SET health_url = :url WHERE name = 'shop'")
                .param("url", url)
                .update();
    }
}
