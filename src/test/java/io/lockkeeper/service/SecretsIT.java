package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import io.lockkeeper.webhook.TestReceiver;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** No secret is left anywhere, however much is logged. Hashes of them are. */
class SecretsIT {

    /** One that is found nowhere by chance, with what must be encoded in a URL. */
    private static final String DATABASE_PASSWORD = "hush-p4ssw0rd+of/the=database";

    private static final String WEBHOOK_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String WEBHOOK_PATH = "/services/T0123/B4567/hush-p4th-of-a-chat";

    private static final String LOCK_TOKEN_KEY = "hush-key-of-lock-tokens-0123456789";

    @ParameterizedTest
    @ValueSource(strings = {"", "ecs"})
    void secrets_that_were_used_are_nowhere_but_with_those_who_have_them(String logFormat) {
        var database = TestDatabase.migrated();
        var jdbc = JdbcClient.create(database.dataSource());
        try (var chat = new TestReceiver();
                var process = start(database, jdbc, chat, logFormat);
                var events = EventStream.open(process, null, "")) {
            var secrets = new LinkedHashMap<String, String>();
            secrets.put("admin token", process.adminToken());
            secrets.put("database password", DATABASE_PASSWORD);
            secrets.put("webhook's secret", WEBHOOK_SECRET);
            secrets.put("webhook's path", WEBHOOK_PATH);
            secrets.put("key of lock tokens", LOCK_TOKEN_KEY);
            var refusals = use(process, secrets);
            chat.behave(request -> new TestReceiver.Answer(500, Map.of(), "not here: " + request.target()));
            refusals.add(new Api(process.url(), process.adminToken())
                    .call("POST", "/api/admin/webhooks/chat/test", null)
                    .text());
            await().until(() -> chat.asked().size() > 1);
            assertThat(secrets).hasSizeGreaterThan(6);

            var places = new LinkedHashMap<String, String>();
            places.put("log", process.log());
            places.put("refusals", String.join("\n", refusals));
            places.put("events", told(events));
            places.putAll(answers(new Api(process.url(), process.adminToken())));
            places.putAll(columns(jdbc));
            assertThat(places.get("log"))
                    .as("the log is as talkative as it gets")
                    .contains("DEBUG", "TRACE")
                    .contains("granted run", "queued run", "renewed run", "refused ci in shop-web: lock-held");
            assertThat(places.get("events")).contains("token_created", "granted");
            assertThat(places.get("run.title")).contains("a scenario");
            assertThat(places.get("/actuator/prometheus")).contains("jvm_");

            var found = new ArrayList<String>();
            places.forEach((place, text) -> forms(secrets).forEach((name, secret) -> {
                var at = text.indexOf(secret);
                if (at >= 0) {
                    found.add(name + " in " + place + ": " + text.substring(Math.max(0, at - 200), at) + "<here>");
                }
            }));
            assertThat(found).isEmpty();
        }
    }

    /** The database is the owner's; the service logs on with a password of its own, which stands in its address. */
    private static ServiceProcess start(TestDatabase database, JdbcClient jdbc, TestReceiver chat, String logFormat) {
        jdbc.sql("DROP ROLE IF EXISTS hushed").update();
        jdbc.sql("CREATE ROLE hushed SUPERUSER LOGIN PASSWORD '" + DATABASE_PASSWORD + "'")
                .update();
        return ServiceProcess.startOn(
                database,
                "--lockkeeper.database-user=hushed",
                "--lockkeeper.database-password=" + DATABASE_PASSWORD,
                "--lockkeeper.webhooks.chat.url=" + chat.url(WEBHOOK_PATH),
                "--lockkeeper.webhooks.chat.secret=whsec_" + WEBHOOK_SECRET,
                "--logging.structured.format.console=" + logFormat,
                "--lockkeeper.lock-token-keys=" + LOCK_TOKEN_KEY,
                "--logging.level.root=debug",
                "--logging.level.io.lockkeeper=trace",
                "--logging.level.org.springframework.security=trace",
                "--logging.level.org.springframework.jdbc=trace",
                "--logging.level.org.springframework.web=trace",
                "--logging.level.org.springframework.web.servlet.DispatcherServlet=trace",
                "--logging.level.org.apache.coyote=trace",
                "--logging.level.org.postgresql=trace",
                "--logging.level.com.zaxxer.hikari=debug",
                "--logging.level.org.flywaydb=debug",
                "--logging.level.org.apache.catalina=debug");
    }

    /** Uses each secret in the right way and in wrong ones; returns what was said to the latter. */
    private static List<String> use(ServiceProcess process, Map<String, String> secrets) {
        var admin = new Api(process.url(), process.adminToken());
        var created = admin.call(
                "POST",
                "/api/admin/tokens",
                "{\"name\": \"ci\", \"role\": \"deploy\", \"environments\": [\"shop-*\"]}");
        var ciToken = created.json().path("token").asString();
        secrets.put("token", ciToken);
        var revoked = admin.call("POST", "/api/admin/tokens", "{\"name\": \"gone\", \"role\": \"view\"}");
        var revokedToken = revoked.json().path("token").asString();
        secrets.put("revoked token", revokedToken);
        admin.call("DELETE", "/api/admin/tokens/" + revoked.json().path("id").asLong(), null);

        var ci = new Api(process.url(), ciToken);
        Answer first = ci.call(
                "POST",
                "/api/environments/shop-web/acquire",
                "{\"title\": \"a scenario\"}",
                "Idempotency-Key",
                "again");
        secrets.put("lock token", first.lockToken());
        Answer again = ci.call(
                "POST",
                "/api/environments/shop-web/acquire",
                "{\"title\": \"a scenario\"}",
                "Idempotency-Key",
                "again");
        assertThat(again.lockToken()).isEqualTo(first.lockToken());
        Answer second = ci.acquire("shop-web", "{}");
        secrets.put("lock token of a queued run", second.lockToken());
        ci.heartbeat(first);
        ci.await(second, 1);
        assertThat(ci.acquire("shop-web", "{\"mode\": \"fail_fast\"}").status()).isEqualTo(409);

        var wrong = "lkt_" + "wrong-but-perhaps-of-another-service-0123456";
        secrets.put("wrong token", wrong);
        var wrongLock = first.runId() + "." + "Q".repeat(42) + "A";
        secrets.put("wrong lock token", wrongLock);
        var heartbeat = "/api/runs/" + first.runId() + "/heartbeat";
        var refused = new ArrayList<Answer>(List.of(
                ci.acquire("production", "{}"),
                ci.call("GET", "/api/admin/tokens", null),
                new Api(process.url(), revokedToken).status("shop-web"),
                new Api(process.url(), wrong).status("shop-web"),
                ci.call("POST", heartbeat, null, "Lock-Token", wrongLock),
                ci.call("POST", heartbeat, null, "Lock-Token", second.lockToken()),
                ci.call("POST", heartbeat, null, "Lock-Token", first.lockToken() + " "),
                ci.call("POST", heartbeat, null, "Lock-Token", first.lockToken() + "\u00e9"),
                ci.call("POST", heartbeat, "{\"lock_token\": \"x\"}", "Content-Type", "text/plain", "Lock-Token", "x"),
                // Where they do not belong.
                ci.acquire("shop-web", "{\"pid\": \"" + ciToken + "\"}"),
                ci.acquire("shop-web", "{\"mode\": \"" + first.lockToken() + "\"}")));
        ci.release(second);
        ci.release(first);
        refused.add(ci.heartbeat(first));
        return refused.stream()
                .map(answer -> answer.response().headers().map() + answer.text())
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private static String told(EventStream events) {
        var told = new StringBuilder();
        for (var last = ""; !last.equals("released"); ) {
            var event = Objects.requireNonNull(events.next());
            last = event.type();
            told.append(event.type()).append(' ').append(event.data()).append('\n');
        }
        return told.toString();
    }

    /** What anybody may be shown later. */
    private static Map<String, String> answers(Api admin) {
        var answers = new LinkedHashMap<String, String>();
        for (var path : List.of(
                "/actuator/health",
                "/actuator/health/liveness",
                "/actuator/health/readiness",
                "/actuator/prometheus",
                "/actuator",
                "/actuator/env",
                "/actuator/configprops",
                "/actuator/info",
                "/api/admin/tokens",
                "/api/admin/webhooks",
                "/api/admin/audit",
                "/api/admin/deployments",
                "/api/admin/environments",
                "/api/admin/deployment-status?environment=shop-web")) {
            var answer = admin.call("GET", path, null, "Accept", "*/*");
            answers.put(path, answer.response().headers().map() + answer.text());
        }
        return answers;
    }

    /** Each column of each table, as text. */
    private static Map<String, String> columns(JdbcClient jdbc) {
        var columns = new LinkedHashMap<String, String>();
        jdbc.sql("""
                        SELECT table_name, column_name
                        FROM information_schema.columns
                        WHERE table_schema = current_schema()
                        ORDER BY table_name, ordinal_position""")
                .query((row, _) -> List.of(row.getString(1), row.getString(2)))
                .list()
                .forEach(column -> columns.put(
                        column.getFirst() + "." + column.getLast(),
                        String.join(
                                "\n",
                                jdbc.sql("SELECT coalesce(\"%s\"::text, '') FROM \"%s\""
                                                .formatted(column.getLast(), column.getFirst()))
                                        .query(String.class)
                                        .list())));
        return columns;
    }

    /** A secret as it is, and as it may have been encoded. Of a lock token the part after the dot is the secret. */
    private static Map<String, String> forms(Map<String, String> secrets) {
        var forms = new LinkedHashMap<String, String>();
        secrets.forEach((name, secret) -> {
            var core = secret.substring(secret.indexOf('.') + 1);
            forms.put(name, core);
            forms.put(
                    name + " in base64",
                    Base64.getEncoder().withoutPadding().encodeToString(secret.getBytes(StandardCharsets.UTF_8)));
            forms.put(name + " in hex", HexFormat.of().formatHex(secret.getBytes(StandardCharsets.UTF_8)));
        });
        return forms;
    }
}
