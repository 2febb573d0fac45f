package io.lockkeeper.notify;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears what the other replicas announce. Its connection is its own, since LISTEN belongs to a session and a transaction pooler has none to
 * offer; it waits with a limit, proves the link alive after each silence and reconnects with growing pauses. What was announced while nobody
 * listened, the re-check finds within a second, at the cost of one query instead of one for each waiting call.
 */
final class Listener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);
    private static final Duration SILENCE = Duration.ofSeconds(5);
    private static final Duration FIRST_RETRY = Duration.ofMillis(250);
    private static final Duration LAST_RETRY = Duration.ofSeconds(5);

    /** Opens a connection that may assume a session. */
    @FunctionalInterface
    interface Connector {
        Connection connect() throws SQLException;
    }

    private final Connector connector;
    private final WaitingRoom room;
    private final EventTail events;
    private final UUID replica;
    private final Thread thread;
    private volatile boolean closed;
    private volatile @Nullable Connection current;
    private boolean failing;

    Listener(Connector connector, WaitingRoom room, EventTail events, UUID replica) {
        this.connector = connector;
        this.room = room;
        this.events = events;
        this.replica = replica;
        this.thread = Thread.ofPlatform().daemon().name("lockkeeper-listener").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    private void run() {
        Duration retry = FIRST_RETRY;
        while (!closed) {
            try (Connection connection = connector.connect()) {
                current = connection;
                if (failing) {
                    failing = false;
                    LOG.info("Listening again for changes made by other replicas.");
                }
                retry = FIRST_RETRY;
                listen(connection);
            } catch (SQLException e) {
                if (!failing && !closed) {
                    failing = true;
                    LOG.warn(
                            "Cannot listen for changes made by other replicas; waiting calls learn of them up to a second"
                                    + " later until it can: {}",
                            e.getMessage());
                }
            }
            if (!closed) {
                LockSupport.parkNanos(
                        retry.toNanos() / 2 + ThreadLocalRandom.current().nextLong(retry.toNanos()));
                retry = retry.multipliedBy(2).compareTo(LAST_RETRY) < 0 ? retry.multipliedBy(2) : LAST_RETRY;
            }
        }
    }

    private void listen(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("LISTEN " + Announcement.CHANNEL);
            PGConnection session = connection.unwrap(PGConnection.class);
            while (!closed) {
                PGNotification[] heard = session.getNotifications((int) SILENCE.toMillis());
                if (heard == null || heard.length == 0) {
                    statement.execute("SELECT 1"); // Throws if the link is dead.
                } else {
                    for (PGNotification notification : heard) {
                        hear(notification.getParameter());
                    }
                }
            }
        }
    }

    private void hear(String text) {
        Announcement.parse(text)
                .filter(announcement -> !announcement.sender().equals(replica))
                .ifPresent(announcement -> {
                    room.ring(announcement.runs(), announcement.groups());
                    events.ring();
                });
    }

    /** Hangs up, which wakes the thread if it is listening, and waits until it has gone. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        Connection connection = current;
        try {
            if (connection != null) {
                connection.close();
            }
            thread.join(SILENCE);
        } catch (SQLException e) {
            LOG.debug("The listener's connection was broken already.", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
