package io.lockkeeper.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.TestDatabase;
import io.lockkeeper.event.EventId;
import io.lockkeeper.event.EventReader;
import io.lockkeeper.notify.Routine;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.webhook.TestReceiver.Answer;
import io.lockkeeper.webhook.TestReceiver.Behaviour;
import io.lockkeeper.webhook.TestReceiver.Request;
import io.lockkeeper.webhook.Webhook.Format;
import io.lockkeeper.webhook.WebhookStore.Claim;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import tools.jackson.databind.json.JsonMapper;

/** Who is told of what, when, in which order and how often. */
@ExtendWith(OutputCaptureExtension.class)
class WebhookDispatcherTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final SigningKey KEY =
            SigningKey.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").orElseThrow();

    private final Interruptible database =
            new Interruptible(TestDatabase.migrated().dataSource());
    private final JdbcClient jdbc = JdbcClient.create(database);
    private final WebhookStore store = new WebhookStore(jdbc);
    private final TestReceiver receiver = new TestReceiver();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final List<Replica> replicas = new ArrayList<>();

    /** One service, as far as webhooks go. */
    private record Replica(WebhookDispatcher dispatcher, Routine routine) {
        void stop() {
            dispatcher.stop();
            routine.close();
        }
    }

    @AfterEach
    void stop() {
        replicas.forEach(Replica::stop);
        receiver.close();
    }

    @Test
    void receiver_that_was_away_gets_every_event_once_and_in_order_when_it_is_back() {
        receiver.goDown();
        start(webhook("robot"));
        List<String> written = new ArrayList<>();
        for (int i = 0; i < 250; i++) {
            written.add(write("granted", "e" + i % 3));
        }
        await().atMost(PATIENCE).until(() -> number("failures") >= 2);
        written.add(write("released", "e1"));

        receiver.comeUp();
        pausePasses();

        await().atMost(PATIENCE).until(() -> receiver.taken().size() >= written.size());
        assertThat(receiver.taken())
                .extracting(request -> request.header("webhook-id"))
                .isEqualTo(ids());
        assertThat(receiver.taken())
                .extracting(request -> request.json().path("data").path("mark").asString())
                .isEqualTo(written);
        await().atMost(PATIENCE).until(() -> number("delivered") == written.size() && number("failures") == 0);
        assertThat(receiver.asked()).hasSameSizeAs(written);
    }

    @Test
    void message_is_as_standard_webhooks_says() {
        start(webhook("robot"));
        String mark = write("granted", "production");

        Request request = awaitTaken(1).getFirst();

        assertThat(request.header("Content-type")).isEqualTo("application/json");
        assertThat(request.header("webhook-signature"))
                .isEqualTo(KEY.sign(
                        request.header("webhook-id"),
                        Long.parseLong(request.header("webhook-timestamp")),
                        request.body()));
        assertThat(request.json().propertyNames()).containsExactly("type", "timestamp", "data");
        assertThat(request.json().path("type").asString()).isEqualTo("granted");
        assertThat(request.json().path("data").toString())
                .isEqualTo(
                        "{\"environment\":\"production\",\"environments\":[\"production\"],\"run_id\":null,\"mark\":\""
                                + mark + "\"}");
    }

    @Test
    void both_secrets_sign_while_one_replaces_the_other() {
        SigningKey other = SigningKey.parse("whsec_" + "b".repeat(32)).orElseThrow();
        start(new Webhook(
                "robot",
                URI.create(receiver.url("/")),
                List.of(KEY, other),
                Format.JSON,
                Set.of("*"),
                EnvironmentPattern.EVERYWHERE));
        write("granted", "production");

        Request request = awaitTaken(1).getFirst();
        long timestamp = Long.parseLong(request.header("webhook-timestamp"));
        String id = request.header("webhook-id");
        assertThat(request.header("webhook-signature"))
                .isEqualTo(KEY.sign(id, timestamp, request.body()) + " " + other.sign(id, timestamp, request.body()));
    }

    @Test
    void credentials_in_the_url_are_sent_as_basic_authentication_only() {
        start(webhook("robot", URI.create(receiver.url("/hook?key=1").replace("//", "//me:hush@"))));
        write("granted", "production");

        Request request = awaitTaken(1).getFirst();
        assertThat(request.header("Authorization")).isEqualTo("Basic bWU6aHVzaA==");
        assertThat(request.target()).isEqualTo("/hook?key=1");
        assertThat(request.header("Host")).doesNotContain("hush");
    }

    @Test
    void new_webhook_begins_with_what_happens_from_now_on() {
        write("granted", "before");
        awaitReadable();
        start(webhook("robot"));
        write("granted", "after");

        assertThat(awaitTaken(1)).extracting(WebhookDispatcherTest::environment).containsExactly("after");
    }

    @Test
    void webhook_goes_on_where_it_was_after_a_restart_and_is_forgotten_when_nobody_declares_it() {
        Replica first = start(webhook("robot"));
        write("granted", "one");
        awaitTaken(1);
        await().until(() -> number("delivered") == 1);
        first.stop();
        write("granted", "two");

        Replica second = start(webhook("robot"));
        awaitTaken(2);
        second.stop();
        write("granted", "three");
        store.declare(List.of());
        assertThat(rows()).as("it was declared a moment ago, and may be again").isEqualTo(1);

        jdbc.sql("UPDATE webhook SET declared_at = declared_at - interval '11 minutes'")
                .update();
        store.declare(List.of());
        assertThat(rows()).isZero();

        start(webhook("robot"));
        write("granted", "four");
        assertThat(awaitTaken(3)).extracting(WebhookDispatcherTest::environment).containsExactly("one", "two", "four");
    }

    @Test
    void webhook_is_told_of_its_types_and_environments_only() {
        start(new Webhook(
                "robot",
                URI.create(receiver.url("/")),
                List.of(KEY),
                Format.JSON,
                Set.of("granted", "frozen_all", "policy_changed"),
                List.of(new EnvironmentPattern("shop-*"))));
        write("granted", "bank");
        write("queued", "shop-web");
        write("policy_changed");
        write("granted", "bank", "shop-web");
        write("frozen_all");
        write("granted", "shop-api");

        assertThat(awaitTaken(3)).extracting(Request::type).containsExactly("granted", "frozen_all", "granted");
        await().atMost(PATIENCE).until(() -> number("delivered") == 3);
        assertThat(receiver.asked()).hasSize(3);
    }

    @Test
    void two_replicas_deliver_each_event_once_and_in_order() {
        start(webhook("robot"));
        start(webhook("robot"));
        List<String> written = IntStream.range(0, 300)
                .mapToObj(i -> write("granted", "e" + i % 7))
                .toList();

        awaitTaken(written.size());
        await().atMost(PATIENCE).until(() -> number("delivered") == written.size());
        assertThat(receiver.asked())
                .extracting(request -> request.json().path("data").path("mark").asString())
                .isEqualTo(written);
    }

    @Test
    void replica_that_died_is_followed_by_another_when_its_claim_has_lapsed() {
        store.declare(List.of("robot"));
        write("granted", "production");
        awaitReadable();
        Claim dead = store.claim("robot").orElseThrow();
        assertThat(store.claim("robot")).as("one at a time").isEmpty();

        start(webhook("robot"));
        assertThat(receiver.asked()).isEmpty();
        jdbc.sql("UPDATE webhook SET claimed_until = claimed_until - make_interval(secs => :lease)")
                .param("lease", WebhookStore.LEASE.toSeconds())
                .update();

        awaitTaken(1);
        await().until(() -> number("delivered") == 1);
        assertThat(store.delivered(dead, new EventId(Long.MAX_VALUE / 2, 1)))
                .as("who comes back late writes nothing")
                .isFalse();
        assertThat(store.passed(dead, dead.position())).isFalse();
        assertThat(number("delivered")).isEqualTo(1);
    }

    @Test
    void receiver_that_never_answers_delays_no_other_and_no_stop() {
        try (var silent = new TestReceiver()) {
            silent.behave(Behaviour.silence());
            Replica replica = start(webhook("mute", URI.create(silent.url("/"))), webhook("robot"));
            for (int i = 0; i < 20; i++) {
                write("granted", "production");
                awaitTaken(i + 1);
            }
            assertThat(silent.asked()).hasSize(1);

            Thread stopping = Thread.ofVirtual().start(replica::stop);
            assertThat(join(stopping))
                    .as("long before the time-out of the attempt and the patience of a routine's end")
                    .isTrue();
            assertThat(jdbc.sql("SELECT count(*) FROM webhook WHERE claimed_until IS NOT NULL")
                            .query(Integer.class)
                            .single())
                    .as("another replica need not wait for the claim to lapse")
                    .isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 401, 404, 408, 429, 500, 503})
    void answer_that_may_change_is_asked_for_again_until_it_does(int status, CapturedOutput output) {
        receiver.behave(Behaviour.always(status));
        start(webhook("robot"));
        write("granted", "one");
        write("granted", "two");
        for (int failures = 1; failures <= Delivery.MOST_REFUSALS + 1; failures++) {
            int reached = failures;
            await().atMost(PATIENCE).until(() -> number("failures") >= reached);
            pausePasses();
        }
        assertThat(receiver.asked())
                .extracting(WebhookDispatcherTest::environment)
                .containsOnly("one");
        assertThat(text("last_error")).startsWith("Answered " + status + " in ");

        receiver.behave(Behaviour.TAKES);
        pausePasses();

        assertThat(awaitTaken(2)).extracting(WebhookDispatcherTest::environment).containsExactly("one", "two");
        await().atMost(PATIENCE).until(() -> number("failures") == 0 && text("last_error") == null);
        assertThat(output.getOut()).containsOnlyOnce("Webhook robot could not deliver event");
        await().atMost(PATIENCE).until(() -> output.getOut().contains("Webhook robot delivers again."));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 413, 422})
    void event_that_is_refused_again_and_again_is_set_aside_and_counted(int status) {
        receiver.behave(request ->
                environment(request).equals("bad") ? new Answer(status, Map.of(), "") : new Answer(204, Map.of(), ""));
        start(webhook("robot"));
        write("granted", "good");
        write("granted", "bad");
        write("granted", "better");
        for (int failures = 1; failures < Delivery.MOST_REFUSALS; failures++) {
            int reached = failures;
            await().atMost(PATIENCE).until(() -> number("failures") == reached);
            assertThat(receiver.taken()).as("those behind it wait").hasSize(1);
            pausePasses();
        }

        assertThat(awaitTaken(2)).extracting(WebhookDispatcherTest::environment).containsExactly("good", "better");
        await().atMost(PATIENCE).until(() -> number("delivered") == 2);
        assertThat(number("refused")).isEqualTo(1);
        assertThat(text("last_refused_at")).isNotNull();
        assertThat(receiver.asked()).hasSize(2 + Delivery.MOST_REFUSALS);
        assertThat(count("refused")).isEqualTo(1);
        assertThat(count("failed")).isEqualTo(Delivery.MOST_REFUSALS - 1);
        assertThat(count("delivered")).isEqualTo(2);
    }

    @Test
    void receiver_that_is_gone_is_asked_once_an_hour() {
        receiver.behave(Behaviour.always(410));
        start(webhook("robot"));
        write("granted", "production");

        await().atMost(PATIENCE).until(() -> number("failures") == 1);
        assertThat(pauseSeconds()).isEqualTo(3600);
        assertThat(text("last_error")).contains("wants no events any more");
    }

    @Test
    void receiver_that_asks_to_be_left_alone_is_for_an_hour_at_most() {
        receiver.behave(_ -> new Answer(429, Map.of("Retry-After", "700"), ""));
        start(webhook("robot"));
        write("granted", "production");
        await().atMost(PATIENCE).until(() -> number("failures") == 1);
        assertThat(pauseSeconds()).isEqualTo(700);

        receiver.behave(_ -> new Answer(503, Map.of("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"), ""));
        pausePasses();
        await().atMost(PATIENCE).until(() -> number("failures") == 2);
        assertThat(pauseSeconds()).isEqualTo(3600);

        receiver.behave(_ -> new Answer(503, Map.of("Retry-After", "soon"), ""));
        pausePasses();
        await().atMost(PATIENCE).until(() -> number("failures") == 3);
        assertThat(pauseSeconds()).isBetween(3L, 5L);
    }

    @Test
    void redirect_is_not_followed() {
        try (var elsewhere = new TestReceiver()) {
            receiver.behave(_ -> new Answer(307, Map.of("Location", elsewhere.url("/")), ""));
            start(webhook("robot"));
            write("granted", "production");

            await().atMost(PATIENCE).until(() -> number("failures") == 1);
            assertThat(text("last_error")).contains("Redirects are not followed");
            assertThat(elsewhere.asked()).isEmpty();
        }
    }

    @Test
    void answer_without_end_is_a_good_one_when_its_status_is() {
        receiver.behave(_ -> new Answer(200, Map.of(), "x".repeat(50_000_000)));
        start(webhook("robot"));
        write("granted", "one");
        write("granted", "two");

        await().atMost(PATIENCE).until(() -> number("delivered") == 2);
        assertThat(receiver.asked()).hasSize(2);
    }

    @Test
    void events_that_are_deleted_before_their_delivery_are_counted() {
        receiver.behave(Behaviour.always(500));
        start(webhook("robot"));
        write("granted", "one");
        write("granted", "two");
        await().atMost(PATIENCE).until(() -> number("failures") == 1);
        assertThat(number("lost")).isZero();

        jdbc.sql("DELETE FROM event").update();
        receiver.behave(Behaviour.TAKES);
        write("granted", "three");
        pausePasses();

        assertThat(awaitTaken(1)).extracting(WebhookDispatcherTest::environment).containsExactly("three");
        assertThat(number("lost")).isEqualTo(2);
        assertThat(text("last_lost_at")).isNotNull();
        await().atMost(PATIENCE).until(() -> number("delivered") == 1);
        jdbc.sql("DELETE FROM event").update();
        assertThat(number("lost")).as("what was delivered is not lost").isEqualTo(2);
    }

    @Test
    void webhook_of_another_database_begins_anew_and_says_so() {
        store.declare(List.of("robot"));
        jdbc.sql("UPDATE webhook SET position_transaction = '900000000000'").update();

        start(webhook("robot"));
        write("granted", "production");

        awaitTaken(1);
        assertThat(text("last_lost_at")).isNotNull();
    }

    @Test
    void outage_of_the_database_after_the_answer_makes_no_second_delivery() {
        receiver.behave(_ -> {
            database.away = true;
            return new Answer(200, Map.of(), "");
        });
        start(webhook("robot"));
        write("granted", "production");
        await().atMost(PATIENCE).until(() -> database.refusals >= 3);
        database.away = false;

        await().atMost(PATIENCE).until(() -> number("delivered") == 1);
        receiver.behave(Behaviour.TAKES);
        write("granted", "production");
        awaitTaken(2);
        assertThat(receiver.asked()).hasSize(2);
    }

    @Test
    void repeated_write_of_one_delivery_counts_it_once() {
        store.declare(List.of("robot"));
        write("granted", "production");
        awaitReadable();
        Claim claim = store.claim("robot").orElseThrow();
        var event = EventId.parse(ids().getFirst()).orElseThrow();

        assertThat(store.delivered(claim, event)).isTrue();
        assertThat(store.delivered(claim, event)).isTrue();

        assertThat(number("delivered")).isEqualTo(1);
    }

    @Test
    void lag_is_the_age_of_the_oldest_event_that_waits() {
        receiver.behave(Behaviour.always(500));
        start(webhook("robot"));
        jdbc.sql(
                        "INSERT INTO event (at, type, environments) VALUES (statement_timestamp() - interval '90 seconds', 'granted', '{production}')")
                .update();

        await().atMost(PATIENCE).until(() -> lag() >= 90);
        receiver.behave(Behaviour.TAKES);
        pausePasses();
        await().atMost(PATIENCE).until(() -> lag() == 0);
    }

    @Test
    void chat_gets_a_line_with_a_link_to_the_run_although_the_event_does_not_say_it() {
        jdbc.sql("""
                INSERT INTO lock_group (name) VALUES ('production')""").update();
        jdbc.sql("INSERT INTO environment (name, lock_group, created_at) VALUES ('production', 'production', now())")
                .update();
        start(new Webhook(
                "chat",
                URI.create(receiver.url("/services/T1/B2/hush")),
                List.of(),
                Format.SLACK,
                EventTypes.USUAL,
                EnvironmentPattern.EVERYWHERE));
        jdbc.sql(
                        "INSERT INTO event (type, environments, data) VALUES ('frozen', '{production}', '{\"actor\": \"alice\", \"reason\": \"Friday\"}')")
                .update();

        Request request = awaitTaken(1).getFirst();
        assertThat(request.target()).isEqualTo("/services/T1/B2/hush");
        assertThat(request.body()).isEqualTo("{\"text\":\"*production*: frozen by alice: Friday\"}");
        assertThat(request.headers()).doesNotContainKey("Webhook-signature");
    }

    private static boolean join(Thread stopping) {
        try {
            return stopping.join(Receiver.TIMEOUT.minusSeconds(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Replica start(Webhook... webhooks) {
        List<Webhook> all = List.of(webhooks);
        var dispatcher = new WebhookDispatcher(
                all,
                new WebhookStore(jdbc),
                new EventReader(jdbc),
                new Messages(JsonMapper.builder().build()),
                new WebhookMetrics(all, meters));
        dispatcher.declare();
        var routine = new Routine("webhook dispatcher", Duration.ofMillis(20), dispatcher::round);
        routine.start();
        var replica = new Replica(dispatcher, routine);
        replicas.add(replica);
        return replica;
    }

    private Webhook webhook(String name) {
        return webhook(name, URI.create(receiver.url("/hook")));
    }

    private static Webhook webhook(String name, URI url) {
        return new Webhook(name, url, List.of(KEY), Format.JSON, Set.of("*"), EnvironmentPattern.EVERYWHERE);
    }

    /** Writes an event and returns the mark that it bears. */
    private String write(String type, String... environments) {
        String mark = "m" + System.nanoTime();
        jdbc.sql(
                        "INSERT INTO event (type, environments, data) VALUES (:type, :environments, jsonb_build_object('mark', :mark::text))")
                .param("type", type)
                .param("environments", environments)
                .param("mark", mark)
                .update();
        return mark;
    }

    private List<String> ids() {
        return jdbc.sql("SELECT transaction::text || '-' || id FROM event ORDER BY transaction, id")
                .query((row, _) -> row.getString(1))
                .list();
    }

    /** Tests of other databases of this server may have older transactions under way. */
    private void awaitReadable() {
        await().atMost(PATIENCE)
                .until(() -> jdbc.sql("SELECT max(transaction) < pg_snapshot_xmin(pg_current_snapshot()) FROM event")
                        .query(Boolean.class)
                        .single());
    }

    private List<Request> awaitTaken(int events) {
        await().atMost(PATIENCE).until(() -> receiver.taken().size() >= events);
        return receiver.taken();
    }

    private static String environment(Request request) {
        return request.json().path("data").path("environment").asString();
    }

    private void pausePasses() {
        jdbc.sql("UPDATE webhook SET next_attempt_at = statement_timestamp()").update();
    }

    private long pauseSeconds() {
        return jdbc.sql("SELECT round(extract(epoch FROM next_attempt_at - last_failed_at)) FROM webhook")
                .query(Long.class)
                .single();
    }

    private long number(String column) {
        return jdbc.sql("SELECT " + column + " FROM webhook").query(Long.class).single();
    }

    private @Nullable String text(String column) {
        return (String) jdbc.sql("SELECT " + column + "::text AS value FROM webhook")
                .query()
                .singleRow()
                .get("value");
    }

    private int rows() {
        return jdbc.sql("SELECT count(*) FROM webhook").query(Integer.class).single();
    }

    private double count(String result) {
        return meters.get("lockkeeper.webhook.deliveries")
                .tag("result", result)
                .counter()
                .count();
    }

    private double lag() {
        return meters.get("lockkeeper.webhook.lag").gauge().value();
    }

    /** A database that can be away. */
    private static final class Interruptible extends DelegatingDataSource {
        private volatile boolean away;
        private volatile int refusals;

        Interruptible(javax.sql.DataSource target) {
            super(target);
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // A test waits for a few; how many more there are does not matter.
        public Connection getConnection() throws SQLException {
            if (away) {
                refusals++;
                throw new SQLException("the database is away", "08001");
            }
            return super.getConnection();
        }
    }
}
