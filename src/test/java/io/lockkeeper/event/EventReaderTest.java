package io.lockkeeper.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.TestDatabase;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.event.EventReader.Page;
import io.lockkeeper.event.EventReader.Start;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** In which order events are read, when, and from where on. */
class EventReaderTest {
    private static final EventId BEGINNING = new EventId(0, 0);

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final EventReader reader = new EventReader(jdbc);

    @Test
    void transactions_that_commit_in_the_opposite_order_of_their_numbers_lose_no_event() throws SQLException {
        try (Connection older = begin();
                Connection younger = begin()) {
            write(older, "first");
            write(younger, "second");
            write(older, "third");
            younger.commit();

            Page early = reader.page(BEGINNING, null, 10);
            assertThat(early.events())
                    .as("an older transaction may still write before what the younger one wrote")
                    .isEmpty();
            assertThat(early.moreToCome()).isTrue();

            older.commit();

            List<Event> late = readable(early.upTo(), 3);
            assertThat(late).extracting(Event::type).containsExactly("first", "third", "second");
            assertThat(readable(BEGINNING, 3))
                    .as("who comes later is told the same in the same order")
                    .isEqualTo(late);
        }
    }

    @Test
    void event_of_a_transaction_that_never_commits_holds_nothing_up_and_is_never_seen() throws SQLException {
        try (Connection given = begin();
                Connection kept = begin()) {
            write(given, "undone");
            write(kept, "done");
            kept.commit();
            given.rollback();
        }

        assertThat(readable(BEGINNING, 1)).extracting(Event::type).containsExactly("done");
    }

    @Test
    void nobody_misses_an_event_however_many_transactions_overlap() throws Exception {
        int writers = 4;
        int each = 50;
        var threads = IntStream.range(0, writers)
                .mapToObj(writer -> Thread.ofVirtual().unstarted(() -> {
                    try (Connection connection = begin()) {
                        for (int i = 0; i < each; i++) {
                            write(connection, "writer-" + writer);
                            write(connection, "writer-" + writer);
                            connection.commit();
                        }
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                }))
                .toList();
        threads.forEach(Thread::start);

        List<EventId> seen = new ArrayList<>();
        EventId[] position = {BEGINNING};
        await().until(() -> {
            Page page = reader.page(position[0], null, 7);
            position[0] = page.upTo();
            page.events().forEach(event -> seen.add(event.id()));
            return seen.size() == 2 * writers * each;
        });
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(seen)
                .isSorted()
                .doesNotHaveDuplicates()
                .isEqualTo(readable(BEGINNING, 2 * writers * each).stream()
                        .map(Event::id)
                        .toList());
    }

    @Test
    void pages_follow_each_other_without_gap_or_repetition() {
        for (int i = 0; i < 5; i++) {
            write("event-" + i, i % 2 == 0 ? "even" : "odd");
        }
        readable(BEGINNING, 5);

        Page first = reader.page(BEGINNING, null, 2);
        Page second = reader.page(first.upTo(), null, 2);
        Page third = reader.page(second.upTo(), null, 2);

        assertThat(first.events()).extracting(Event::type).containsExactly("event-0", "event-1");
        assertThat(second.events()).extracting(Event::type).containsExactly("event-2", "event-3");
        assertThat(third.events()).extracting(Event::type).containsExactly("event-4");
        assertThat(reader.page(third.upTo(), null, 2).events()).isEmpty();
    }

    @Test
    void one_environment_is_picked_out_and_the_position_moves_past_the_others() {
        write("mine", "mine");
        write("theirs", "theirs");
        readable(BEGINNING, 2);

        Page page = reader.page(BEGINNING, new EnvironmentName("mine"), 10);

        assertThat(page.events()).extracting(Event::type).containsExactly("mine");
        assertThat(reader.page(page.upTo(), null, 10).events()).isEmpty();
    }

    @Test
    void event_has_what_its_row_has() {
        jdbc.sql("""
                        INSERT INTO event (at, type, environments, run_id, data)
                        VALUES ('2026-02-13T10:30:45Z', 'granted', '{web,worker}', 7, '{"fencing_token": 3}')""").update();

        Event event = readable(BEGINNING, 1).getFirst();

        assertThat(event)
                .isEqualTo(new Event(
                        event.id(),
                        Instant.parse("2026-02-13T10:30:45Z"),
                        "granted",
                        List.of("web", "worker"),
                        7L,
                        "{\"fencing_token\": 3}"));
    }

    @Test
    void who_begins_now_is_told_what_comes_and_not_what_was() {
        write("before", "web");
        readable(BEGINNING, 1);

        Start now = reader.start(null);
        write("after", "web");

        assertThat(now.gap()).isFalse();
        assertThat(readable(now.after(), 1)).extracting(Event::type).containsExactly("after");
    }

    @Test
    void who_was_there_before_the_first_event_misses_nothing() {
        EventId now = reader.start(null).after();
        assertThat(reader.start(now)).isEqualTo(new Start(now, false));

        write("first", "web");

        assertThat(reader.start(now)).isEqualTo(new Start(now, false));
    }

    @Test
    void what_is_not_kept_any_more_is_a_gap_and_the_oldest_kept_comes_next() {
        for (int i = 0; i < 4; i++) {
            write("event-" + i, "web");
        }
        List<Event> all = readable(BEGINNING, 4);
        jdbc.sql("DELETE FROM event WHERE type IN ('event-0', 'event-1')").update();

        Start lost = reader.start(all.getFirst().id());
        assertThat(lost.gap()).isTrue();
        assertThat(readable(lost.after(), 2)).extracting(Event::type).containsExactly("event-2", "event-3");

        Start kept = reader.start(all.get(2).id());
        assertThat(kept).isEqualTo(new Start(all.get(2).id(), false));
    }

    @Test
    void when_nothing_is_kept_only_who_read_the_last_event_has_no_gap() {
        write("event-0", "web");
        write("event-1", "web");
        List<Event> all = readable(BEGINNING, 2);
        jdbc.sql("DELETE FROM event").update();

        assertThat(reader.start(all.getLast().id()).gap()).isFalse();
        Start lost = reader.start(all.getFirst().id());
        assertThat(lost.gap()).isTrue();
        write("event-2", "web");
        assertThat(readable(lost.after(), 1)).extracting(Event::type).containsExactly("event-2");
    }

    @Test
    void place_that_this_database_has_not_reached_is_a_gap() {
        write("event", "web");
        readable(BEGINNING, 1);

        Start start = reader.start(new EventId(1_000_000_000_000L, 1));

        assertThat(start.gap()).isTrue();
        assertThat(readable(start.after(), 1)).extracting(Event::type).containsExactly("event");
    }

    @Test
    void place_is_written_and_read_alike() {
        assertThat(EventId.parse(new EventId(771, 42).toString())).contains(new EventId(771, 42));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "771", "771-", "-1-1", "771-42-1", "771-x", " 771-42", "9999999999999999999-1", "1-\u0661"})
    void text_that_is_no_place_is_none(String text) {
        assertThat(EventId.parse(text)).isEmpty();
    }

    /** All events after a place, once there are that many: other tests' transactions on this server may have to end first. */
    private List<Event> readable(EventId after, int count) {
        return await().until(() -> reader.page(after, null, 1000).events(), events -> events.size() == count);
    }

    private Connection begin() throws SQLException {
        Connection connection = database.dataSource().getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static void write(Connection connection, String type) throws SQLException {
        try (var statement =
                connection.prepareStatement("INSERT INTO event (type, environments) VALUES (?, '{web}')")) {
            statement.setString(1, type);
            statement.executeUpdate();
        }
    }

    private void write(String type, String environment) {
        jdbc.sql("INSERT INTO event (type, environments) VALUES (?, ARRAY[?])")
                .params(type, environment)
                .update();
    }
}
