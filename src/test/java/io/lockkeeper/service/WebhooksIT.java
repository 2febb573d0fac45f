package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import io.lockkeeper.webhook.TestReceiver;
import io.lockkeeper.webhook.TestReceiver.Behaviour;
import io.lockkeeper.webhook.TestReceiver.Request;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** Webhooks of the whole service, with receivers that fail and replicas that die. */
class WebhooksIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private final TestReceiver robot = new TestReceiver();
    private final TestReceiver mute = new TestReceiver();
    private final TestDatabase database = TestDatabase.migrated();
    private final List<ServiceProcess> processes = new ArrayList<>();

    @AfterEach
    void stop() {
        processes.forEach(ServiceProcess::close);
        robot.close();
        mute.close();
    }

    @Test
    void killed_replica_loses_no_event_and_the_other_goes_on_in_order() {
        // Each calls the receiver by another path, so that it knows who calls.
        ServiceProcess first = start("--lockkeeper.webhooks.robot.url=" + robot.url("/first"));
        ServiceProcess second = start("--lockkeeper.webhooks.robot.url=" + robot.url("/second"));
        Api api = new Api(first.url(), first.adminToken());
        Answer before = api.acquire("production", "{}");
        await().atMost(PATIENCE).until(() -> !robot.taken().isEmpty());
        // It is in the middle of a delivery when it dies, whichever it is.
        robot.behave(Behaviour.silence());
        api.release(before);
        await().atMost(PATIENCE).until(() -> robot.asked().size() == 2);
        boolean isFirst = robot.asked().getLast().target().equals("/first");
        ServiceProcess delivering = isFirst ? first : second;
        ServiceProcess other = isFirst ? second : first;

        delivering.kill9();
        robot.behave(Behaviour.TAKES);
        Api survivor = new Api(other.url(), other.adminToken());
        for (int i = 0; i < 20; i++) {
            survivor.release(survivor.acquire(i % 2 == 0 ? "production" : "staging", "{}"));
        }

        List<String> expected = written();
        assertThat(expected).hasSize(42);
        await().atMost(PATIENCE).until(() -> robot.taken().size() >= expected.size());
        assertThat(ids(robot.taken())).isEqualTo(expected);
        assertThat(robot.asked()).as("one event was under way").hasSize(expected.size() + 1);
    }

    @Test
    void two_replicas_under_load_deliver_each_event_once_signed_and_in_order() throws Exception {
        ServiceProcess first = start();
        ServiceProcess second = start();
        List<Thread> clients = new ArrayList<>();
        for (int client = 0; client < 4; client++) {
            ServiceProcess process = client % 2 == 0 ? first : second;
            String environment = "e" + client % 3;
            clients.add(Thread.ofVirtual().start(() -> {
                Api api = new Api(process.url(), process.adminToken());
                for (int i = 0; i < 25; i++) {
                    Answer acquired = api.acquire(environment, "{\"batch\": false}");
                    api.release(acquired, "{\"status\": \"cancelled\"}");
                }
            }));
        }
        for (Thread client : clients) {
            client.join();
        }

        List<String> expected = written();
        assertThat(expected).hasSizeGreaterThan(100);
        await().atMost(PATIENCE).until(() -> robot.taken().size() >= expected.size());
        await().atMost(PATIENCE)
                .until(() -> state(first, "robot").path("delivered").asInt() == expected.size());
        assertThat(ids(robot.asked())).isEqualTo(expected);
        assertThat(robot.taken())
                .allSatisfy(request ->
                        assertThat(request.header("webhook-signature")).isEqualTo("v1," + hmac(request)));
    }

    @Test
    void receiver_that_never_answers_delays_nothing_not_even_the_stop() {
        mute.behave(Behaviour.silence());
        ServiceProcess process =
                start("--lockkeeper.webhooks.mute.url=" + mute.url("/"), "--lockkeeper.webhooks.mute.secret=" + SECRET);
        Api api = new Api(process.url(), process.adminToken());
        Answer acquired = api.acquire("production", "{}");
        await().atMost(PATIENCE)
                .until(() -> mute.asked().size() == 1 && robot.taken().size() == 1);

        long start = System.nanoTime();
        for (int i = 0; i < 50; i++) {
            assertThat(api.heartbeat(acquired).status()).isEqualTo(200);
            Answer other = api.acquire("e" + i, "{}");
            assertThat(other.outcome()).isEqualTo("granted");
            assertThat(api.release(other).status()).isEqualTo(200);
        }
        await().atMost(PATIENCE).until(() -> robot.taken().size() == 101);
        process.stop();

        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("the attempt alone would take its time-out of ten seconds, many times")
                .isLessThan(Duration.ofSeconds(60));
        assertThat(process.log()).doesNotContain("did not stop within");
        assertThat(JdbcClient.create(database.dataSource())
                        .sql("SELECT count(*) FROM webhook WHERE claimed_until IS NOT NULL")
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @Test
    void admin_sees_how_a_webhook_does_and_tries_it_and_never_sees_a_secret() {
        ServiceProcess process = start(
                "--lockkeeper.webhooks.chat.url="
                        + mute.url("/services/hush/path?key=hush-query").replace("//", "//me:hush-password@"),
                "--lockkeeper.webhooks.chat.format=slack");
        Api api = new Api(process.url(), process.adminToken());
        mute.behave(request -> new TestReceiver.Answer(503, Map.of(), "nobody at\n" + request.target()));

        Answer failed = api.call("POST", "/api/admin/webhooks/chat/test", null);

        assertThat(failed.status()).isEqualTo(200);
        assertThat(failed.json().path("delivered").asBoolean()).isFalse();
        assertThat(failed.json().path("status").asInt()).isEqualTo(503);
        assertThat(failed.json().path("answer").asString()).isEqualTo("nobody at <hidden>?<hidden>");
        assertThat(mute.asked().getFirst().body())
                .isEqualTo("{\"text\":\"Lockkeeper can reach this place: a test of its webhook chat by admin.\"}");

        api.release(api.acquire("production", "{}"));
        await().atMost(PATIENCE)
                .until(() -> state(process, "chat").path("failures").asInt() >= 2);
        JsonNode failing = state(process, "chat");
        assertThat(failing.path("status").asString()).isIn("failing", "delivering");
        assertThat(failing.path("url").asString()).isEqualTo(mute.url(""));
        assertThat(failing.path("last_error").asString()).startsWith("Answered 503 in ");

        // The next attempt would be some time off; the test that is taken brings it on.
        JdbcClient.create(database.dataSource())
                .sql(
                        "UPDATE webhook SET next_attempt_at = statement_timestamp() + interval '1 hour' WHERE name = 'chat'")
                .update();
        mute.behave(Behaviour.TAKES);
        assertThat(api.call("POST", "/api/admin/webhooks/chat/test", null).text())
                .matches(
                        "\\{\"webhook\":\"chat\",\"delivered\":true,\"status\":200,\"detail\":\"Answered 200 in \\d+ ms\\.\",\"answer\":\"ok\"}");
        await().atMost(PATIENCE)
                .until(() -> state(process, "chat").path("delivered").asInt() == 2);
        await().atMost(PATIENCE)
                .until(() -> state(process, "chat").path("status").asString().equals("up_to_date"));

        String audit =
                api.call("GET", "/api/admin/audit?action=webhook_tested", null).text();
        assertThat(audit).contains("\"actor\":\"admin\"", "\"after\":{\"name\": \"chat\"}");
        String metrics = api.call("GET", "/actuator/prometheus", null, "Accept", "text/plain")
                .text();
        assertThat(metrics)
                .contains(
                        "lockkeeper_webhook_deliveries_total{result=\"delivered\",webhook=\"chat\"} 2.0",
                        "lockkeeper_webhook_deliveries_total{result=\"refused\",webhook=\"chat\"} 0.0",
                        "lockkeeper_webhook_lag_seconds{webhook=\"robot\"} ");
        for (String told : List.of(
                api.call("GET", "/api/admin/webhooks", null).text(), audit, metrics, process.log(), failed.text())) {
            assertThat(told).doesNotContain("hush", SECRET, SECRET.substring(6));
        }
    }

    @Test
    void unknown_webhook_is_refused_and_those_that_there_are_are_named() {
        ServiceProcess process = start();
        Answer answer =
                new Api(process.url(), process.adminToken()).call("POST", "/api/admin/webhooks/chatt/test", null);

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("webhook-unknown");
        assertThat(answer.text()).contains("The configuration declares robot.");
    }

    private ServiceProcess start(String... more) {
        List<String> properties = new ArrayList<>(List.of("--lockkeeper.webhooks.robot.secret=" + SECRET));
        if (Arrays.stream(more).noneMatch(property -> property.contains(".robot.url="))) {
            properties.add("--lockkeeper.webhooks.robot.url=" + robot.url("/hook"));
        }
        properties.addAll(List.of(more));
        ServiceProcess process = ServiceProcess.startOn(database, properties.toArray(String[]::new));
        processes.add(process);
        return process;
    }

    private static JsonNode state(ServiceProcess process, String name) {
        JsonNode items = new Api(process.url(), process.adminToken())
                .call("GET", "/api/admin/webhooks", null)
                .json()
                .path("items");
        for (JsonNode item : items) {
            if (item.path("name").asString().equals(name)) {
                return item;
            }
        }
        throw new AssertionError("no webhook " + name);
    }

    private List<String> written() {
        return JdbcClient.create(database.dataSource())
                .sql("""
                        SELECT transaction::text || '-' || id FROM event
                        WHERE type IN ('queued', 'granted', 'released') ORDER BY transaction, id""")
                .query((row, _) -> row.getString(1))
                .list();
    }

    private static List<String> ids(List<Request> requests) {
        return requests.stream().map(request -> request.header("webhook-id")).collect(Collectors.toList());
    }

    private static String hmac(Request request) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(Base64.getDecoder().decode(SECRET.substring(6)), "HmacSHA256"));
            String signed =
                    request.header("webhook-id") + "." + request.header("webhook-timestamp") + "." + request.body();
            return Base64.getEncoder().encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
