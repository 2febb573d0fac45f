package io.lockkeeper.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import io.lockkeeper.event.EventReader;
import io.lockkeeper.notify.EventFeed.Next;
import io.lockkeeper.notify.EventFeed.Opening;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Following the events in two replicas, each with one connection to the database. */
class EventFeedTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final Replica one = new Replica();
    private final Replica two = new Replica();

    @AfterEach
    void close() {
        one.close();
        two.close();
    }

    @Test
    void both_replicas_tell_the_same_though_transactions_commit_in_the_opposite_order() throws Exception {
        try (EventFeed.Stream atOne = one.open(null, null);
                EventFeed.Stream atTwo = two.open(null, null);
                Connection older = database.dataSource().getConnection();
                Connection younger = database.dataSource().getConnection()) {
            write(older, "BEGIN");
            write(younger, "BEGIN");
            write(older, "INSERT INTO event (type, environments) VALUES ('older', '{web}')");
            write(younger, "INSERT INTO event (type, environments) VALUES ('younger', '{web}')");
            write(younger, "COMMIT");
            one.tail.ring();
            two.tail.ring();
            assertThat(take(atOne, 0, Duration.ofMillis(300)))
                    .as("the older one may still write before it")
                    .isEmpty();
            write(older, "COMMIT");

            List<Event> told = take(atOne, 2, PATIENCE);

            assertThat(told).extracting(Event::type).containsExactly("older", "younger");
            assertThat(take(atTwo, 2, PATIENCE)).isEqualTo(told);
        }
    }

    @Test
    void stream_goes_on_in_the_other_replica_where_it_ended() throws Exception {
        List<Event> told = new ArrayList<>();
        EventId position;
        try (EventFeed.Stream stream = one.open(null, null)) {
            write(10);
            told.addAll(take(stream, 10, PATIENCE));
            position = stream.position();
        }
        write(10);
        try (EventFeed.Stream stream = two.open(position, null)) {
            assertThat(stream.beginsWithGap()).isFalse();
            told.addAll(take(stream, 10, PATIENCE));
        }

        assertThat(told).extracting(Event::id).isSorted().doesNotHaveDuplicates();
        assertThat(told).extracting(Event::runId).containsExactlyElementsOf(numbers(20));
    }

    @Test
    void slow_reader_holds_nobody_up_and_misses_nothing() throws Exception {
        int many = 2 * EventTail.KEPT + 100;
        try (EventFeed.Stream slow = one.open(null, null);
                EventFeed.Stream quick = one.open(null, null)) {
            write(many / 2);
            List<Event> told = new ArrayList<>(take(quick, many / 2, PATIENCE));
            write(many / 2);
            told.addAll(take(quick, many / 2, PATIENCE));

            assertThat(told).extracting(Event::runId).containsExactlyElementsOf(numbers(many));
            assertThat(take(slow, many, PATIENCE)).isEqualTo(told);
        }
    }

    @Test
    void only_the_events_of_one_environment_from_memory_and_from_the_database() throws Exception {
        EventId before;
        try (EventFeed.Stream everything = one.open(null, null);
                EventFeed.Stream web = one.open(null, new EnvironmentName("web"))) {
            before = everything.position();
            write(
                    "INSERT INTO event (type, environments) VALUES ('a', '{web}'), ('b', '{worker}'), ('c', '{worker,web}')");

            assertThat(take(everything, 3, PATIENCE)).hasSize(3);
            assertThat(take(web, 2, PATIENCE)).extracting(Event::type).containsExactly("a", "c");
        }
        try (EventFeed.Stream resumed = two.open(before, new EnvironmentName("web"))) {
            assertThat(take(resumed, 2, PATIENCE)).extracting(Event::type).containsExactly("a", "c");
        }
    }

    @Test
    void hundred_idle_streams_hold_no_connection_and_share_one_look() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<Event>>> told = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                EventFeed.Stream stream = one.open(null, null);
                told.add(threads.submit(() -> {
                    try (stream) {
                        return take(stream, 3, PATIENCE);
                    }
                }));
            }
            assertThat(one.room.occupancy()).isEqualTo(100);
            await().until(() -> one.connections.getHikariPoolMXBean().getActiveConnections() == 0);
            int before = one.looks();

            write(3);

            for (Future<List<Event>> events : told) {
                assertThat(events.get()).hasSize(3);
            }
            assertThat(one.looks() - before).as("statements").isLessThan(50);
            assertThat(one.room.occupancy()).isZero();
        }
    }

    @Test
    void nobody_reads_while_nobody_follows() throws Exception {
        one.open(null, null).close();
        await().until(() -> one.connections.getHikariPoolMXBean().getActiveConnections() == 0);
        int before = one.looks();

        one.tail.ring();
        write(3);
        try (EventFeed.Stream stream = two.open(null, null)) {
            write(1);
            take(stream, 1, PATIENCE);
        }

        assertThat(one.looks()).isLessThanOrEqualTo(before + 1); // One may have been under way.
    }

    @Test
    void streams_end_when_the_replica_stops() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                EventFeed.Stream stream = one.open(null, null)) {
            Future<Next> next = threads.submit(() -> {
                Next last = stream.next(PATIENCE);
                while (last instanceof Next.Events) {
                    last = stream.next(PATIENCE);
                }
                return last;
            });

            one.room.close();

            assertThat(next.get()).isInstanceOf(Next.Stopping.class);
        }
    }

    @Test
    void full_room_takes_no_stream() throws Exception {
        WaitingRoom full = new WaitingRoom(0, 1);
        EventReader reader = new EventReader(jdbc);
        EventFeed feed = new EventFeed(reader, new EventTail(reader, full), full);

        assertThat(feed.open("somebody", null, null)).isEqualTo(new Opening.TooManyWaiting(WaitingBound.REPLICA));
    }

    /** What a replica has of this. */
    private final class Replica implements AutoCloseable {
        private final AtomicInteger looks = new AtomicInteger();
        private final HikariDataSource connections = new HikariDataSource() {
            @Override
            public Connection getConnection() throws SQLException {
                looks.incrementAndGet();
                return super.getConnection();
            }
        };
        private final WaitingRoom room = new WaitingRoom(1000, 1000);
        private final EventTail tail;
        private final EventFeed feed;

        Replica() {
            connections.setDataSource(database.dataSource());
            connections.setMaximumPoolSize(1);
            EventReader reader = new EventReader(JdbcClient.create(connections));
            tail = new EventTail(reader, room);
            feed = new EventFeed(reader, tail, room);
            tail.start();
        }

        EventFeed.Stream open(@Nullable EventId after, @Nullable EnvironmentName environment)
                throws InterruptedException {
            return switch (feed.open("somebody", after, environment)) {
                case Opening.Open open -> open.stream();
                case Opening.TooManyWaiting _ -> throw new AssertionError("the room is full");
            };
        }

        /** How often a connection was borrowed. */
        int looks() {
            return looks.get();
        }

        @Override
        public void close() {
            tail.close();
            connections.close();
        }
    }

    /** Reads until there are that many, or the time is up. */
    private static List<Event> take(EventFeed.Stream stream, int count, Duration patience) throws InterruptedException {
        List<Event> events = new ArrayList<>();
        long deadline = System.nanoTime() + patience.toNanos();
        while ((count == 0 || events.size() < count) && System.nanoTime() < deadline) {
            if (stream.next(Duration.ofMillis(100)) instanceof Next.Events next) {
                events.addAll(next.events());
            }
        }
        return events;
    }

    private void write(String sql) {
        jdbc.sql(sql).update();
    }

    private static void write(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int written;

    /** So many events, each in a transaction of its own. */
    private void write(int count) {
        try (Connection connection = database.dataSource().getConnection();
                var statement = connection.prepareStatement(
                        "INSERT INTO event (type, environments, run_id) VALUES ('t', '{web}', ?)")) {
            for (int i = 0; i < count; i++) {
                statement.setLong(1, ++written);
                statement.executeUpdate();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Long> numbers(int count) {
        return IntStream.rangeClosed(1, count).mapToObj(Long::valueOf).toList();
    }
}
