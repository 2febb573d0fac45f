package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import io.lockkeeper.service.EventStream.Told;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Following the events of two services on one database, also over the death of one of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EventsIT {
    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private ServiceProcess firstProcess = ServiceProcess.startOn(database);
    private ServiceProcess secondProcess = ServiceProcess.startOn(database);
    private Api first = new Api(firstProcess.url(), firstProcess.adminToken()).patient();
    private Api second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();

    @AfterAll
    void stop() {
        firstProcess.close();
        secondProcess.close();
    }

    @Test
    void both_replicas_tell_acquire_queue_skip_and_release_in_order() {
        first.release(first.acquire("told", "{}"));
        try (EventStream atFirst = EventStream.open(firstProcess, null, "?environment=told");
                EventStream atSecond = EventStream.open(secondProcess, null, "?environment=told")) {
            Answer one = first.acquire("told", "{\"user\":\"alice\"}");
            Answer two = second.acquire("told", "{\"coverage\":\"latest\"}");
            Answer three = first.acquire("told", "{\"coverage\":\"latest\"}");
            Answer skipped = second.acquire("told", "{\"sha\":\"a1b2c3d\"}");
            first.release(one);
            first.await(two, 0);
            second.release(two, "{\"status\":\"failure\"}");

            List<Told> told = atFirst.next(8);

            assertThat(told)
                    .extracting(Told::type, Told::runId)
                    .startsWith(
                            tuple("granted", one.runId()),
                            tuple("queued", two.runId()),
                            tuple("queued", three.runId()),
                            tuple("skipped", skipped.runId()))
                    .contains(
                            tuple("released", one.runId()),
                            tuple("granted", two.runId()),
                            tuple("released", two.runId()),
                            tuple("granted", three.runId()));
            assertThat(told.getFirst().data().toString()).matches("""
                    \\{"type":"granted","at":"[-0-9T:]+Z","environment":"told","environments":\\["told"],"run_id":%d,\
                    .*"user":"alice".*}""".formatted(one.runId()));
            assertThat(atSecond.next(8)).isEqualTo(told);
            second.release(three);
        }
    }

    @Test
    void answer_tells_everybody_on_the_way_to_pass_it_on_at_once() {
        try (EventStream stream = EventStream.open(firstProcess, null, "")) {
            assertThat(stream.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(stream.header("Cache-Control")).isEqualTo("no-store");
            assertThat(stream.header("X-Accel-Buffering")).isEqualTo("no");
        }
    }

    @Test
    void transactions_that_commit_in_the_opposite_order_are_told_alike_by_both() throws SQLException {
        try (EventStream atFirst = EventStream.open(firstProcess, null, "");
                EventStream atSecond = EventStream.open(secondProcess, null, "");
                Connection older = begin("older");
                Connection younger = begin("younger")) {
            younger.commit();
            Answer run = first.acquire("opposite", "{}");
            older.commit();

            List<Told> told = atFirst.next(3);

            assertThat(told).extracting(Told::type).containsExactly("older", "younger", "granted");
            assertThat(atSecond.next(3)).isEqualTo(told);
            first.release(run);
        }
    }

    @Test
    void who_was_cut_off_goes_on_without_loss_or_repetition() {
        first.release(first.acquire("cut-off", "{}"));
        List<Told> told = new ArrayList<>();
        try (EventStream all = EventStream.open(firstProcess, null, "?environment=cut-off")) {
            String last = all.lastEventId();
            try (EventStream stream = EventStream.open(firstProcess, last, "?environment=cut-off")) {
                first.release(first.acquire("cut-off", "{}"));
                told.addAll(stream.next(1));
                last = stream.lastEventId();
            }
            first.release(first.acquire("cut-off", "{}"));
            try (EventStream stream =
                    EventStream.open(secondProcess, null, "?environment=cut-off&last_event_id=" + last)) {
                told.addAll(stream.next(3));
            }

            assertThat(told).isEqualTo(all.next(4));
        }
    }

    @Test
    void who_was_cut_off_before_the_first_event_misses_none() {
        String before;
        try (EventStream stream = EventStream.open(firstProcess, null, "")) {
            before = stream.lastEventId();
        }
        Answer run = first.acquire("unseen", "{}");

        try (EventStream stream = EventStream.open(secondProcess, before, "")) {
            assertThat(stream.next(1).getFirst().runId()).isEqualTo(run.runId());
        }
        first.release(run);
    }

    @Test
    void clients_of_a_killed_replica_go_on_at_the_other() {
        try (EventStream all = EventStream.open(firstProcess, null, "");
                EventStream stream = EventStream.open(secondProcess, null, "")) {
            Answer holder = second.acquire("killed", "{}");
            Answer waiter = second.acquire("killed", "{}");
            List<Told> told = new ArrayList<>(stream.next(1));

            secondProcess.kill9();

            told.addAll(stream.rest());
            first.release(holder);
            first.await(waiter, 30);
            first.release(waiter);
            try (EventStream resumed = EventStream.open(firstProcess, stream.lastEventId(), "")) {
                told.addAll(resumed.next(5 - told.size()));
            }
            assertThat(told).isEqualTo(all.next(5));
            assertThat(told)
                    .extracting(Told::type)
                    .containsExactlyInAnyOrder("granted", "queued", "released", "granted", "released");
        } finally {
            secondProcess = secondProcess.restart();
            second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();
        }
    }

    @Test
    void replica_that_stops_ends_its_streams() {
        try (EventStream stream = EventStream.open(secondProcess, null, "")) {
            CompletableFuture<List<Told>> rest = CompletableFuture.supplyAsync(() -> {
                List<Told> events = new ArrayList<>();
                // Null at a proper end; a connection that breaks off would throw.
                for (Told event = stream.next(); event != null; event = stream.next()) {
                    events.add(event);
                }
                return events;
            });

            secondProcess.stop();

            assertThat(rest).succeedsWithin(Duration.ofSeconds(5)).isEqualTo(List.of());
        } finally {
            secondProcess = secondProcess.restart();
            second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();
        }
    }

    @Test
    void environment_picks_out_its_events() {
        first.release(first.acquire("picked", "{}"));
        try (EventStream stream = EventStream.open(firstProcess, null, "?environment=picked")) {
            first.release(first.acquire("ignored", "{}"));
            Answer both = first.call("POST", "/api/acquire", "{\"environments\":[\"ignored\",\"picked\"]}");

            Told told = stream.next(1).getFirst();

            assertThat(told.runId()).isEqualTo(both.runId());
            assertThat(told.data().path("environment").asString()).isEqualTo("ignored");
            assertThat(told.data().path("environments").toString()).isEqualTo("[\"ignored\",\"picked\"]");
            first.release(both);
        }
    }

    @Test
    void what_is_not_kept_is_a_gap() {
        String old;
        try (EventStream stream = EventStream.open(firstProcess, null, "")) {
            first.release(first.acquire("forgotten", "{}"));
            old = stream.next(1).getFirst().id();
            stream.next(1);
        }
        jdbc.sql("DELETE FROM event").update();
        Answer run = first.acquire("forgotten", "{}");

        try (EventStream stream = EventStream.open(secondProcess, old, "")) {
            List<Told> told = stream.next(2);
            assertThat(told).extracting(Told::type).containsExactly("gap", "granted");
            assertThat(told.getFirst().data().path("detail").asString()).contains("Reload the status");
        }
        first.release(run);
    }

    @Test
    void silence_is_told_from_death() {
        try (EventStream stream = EventStream.open(firstProcess, null, "")) {
            assertThat(stream.line()).isEmpty();
            assertThat(stream.line()).isEqualTo(": still here");
            assertThat(stream.line()).startsWith("id: ");
        }
    }

    @Test
    void reader_that_does_not_read_holds_nobody_up() throws IOException {
        first.release(first.acquire("quick", "{}"));
        try (Socket slow = new Socket("localhost", firstProcess.port());
                EventStream quick = EventStream.open(firstProcess, null, "?environment=quick")) {
            slow.getOutputStream()
                    .write(("GET /api/admin/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                                    + firstProcess.adminToken() + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(slow.getInputStream().read()).isEqualTo('H');
            // More than the buffers of both sides take.
            jdbc.sql("""
                            INSERT INTO event (type, environments, data)
                            SELECT 'flood', '{flood}', jsonb_build_object('text', repeat('x', 1000))
                            FROM generate_series(1, 20000)""").update();

            for (int i = 0; i < 10; i++) {
                first.release(first.acquire("quick", "{}"));
                assertThat(quick.next(2)).extracting(Told::type).containsExactly("granted", "released");
            }
        }
    }

    @Test
    void stream_without_a_token_is_refused() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(firstProcess.url().resolve("/api/admin/events"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());

            assertThat(answer.statusCode()).isEqualTo(401);
            assertThat(answer.body()).contains("\"code\":\"unauthorized\"");
        }
    }

    @Test
    void malformed_place_is_refused_by_its_name() {
        Answer header = first.call("GET", "/api/admin/events", null, "Last-Event-ID", "yesterday");
        Answer parameter = first.call("GET", "/api/admin/events?last_event_id=7", null);

        assertThat(header.status()).isEqualTo(400);
        assertThat(header.json().path("field").asString()).isEqualTo("Last-Event-ID");
        assertThat(parameter.status()).isEqualTo(400);
        assertThat(parameter.json().path("field").asString()).isEqualTo("last_event_id");
    }

    @Test
    void unknown_environment_is_refused_and_the_default_one_is_known_from_the_start() {
        Answer unknown = first.call("GET", "/api/admin/events?environment=prodution", null);
        Answer invalid = first.call("GET", "/api/admin/events?environment=No%20Name", null);

        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.code()).isEqualTo("environment-unknown");
        assertThat(invalid.status()).isEqualTo(400);
        assertThat(invalid.json().path("field").asString()).isEqualTo("environment");
        EventStream.open(firstProcess, null, "?environment=production").close();
    }

    @Test
    void head_answers_the_headers_and_ends() {
        assertThat(first.call("HEAD", "/api/admin/events", null).header("Content-Type"))
                .isEqualTo("text/event-stream");
    }

    /** A transaction that has written an event and goes on. */
    private Connection begin(String type) throws SQLException {
        Connection connection = database.dataSource().getConnection();
        connection.setAutoCommit(false);
        try (var statement = connection.prepareStatement("INSERT INTO event (type, environments) VALUES (?, '{}')")) {
            statement.setString(1, type);
            statement.executeUpdate();
        }
        return connection;
    }
}
