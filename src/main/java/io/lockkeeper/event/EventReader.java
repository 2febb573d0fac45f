package io.lockkeeper.event;

import io.lockkeeper.environment.EnvironmentName;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Reads events in their one order. Each call is one statement. */
public final class EventReader {

    /*
     * Neither the identity nor the time of an event tells when it became visible: both are drawn before the commit, and a transaction that
     * drew 7 may commit after one that drew 8. A reader that went by them would hand out 8, go on from there, and never see 7. So the
     * reader stops below the horizon, the oldest transaction still under way in its own snapshot. Every transaction below it is over, and
     * all that those wrote is in this snapshot; whatever is written later belongs to a transaction at or above it. Hence nothing can
     * appear any more before a place that was read, to any reader, and (transaction, id) is the same order for all of them. (PostgreSQL
     * manual, 9.27 "Transaction ID and Snapshot Information Functions".)
     */
    private static final String PAGE = """
            SELECT horizon.transaction::text AS horizon,
                   EXISTS (SELECT FROM event WHERE transaction >= horizon.transaction) AS more_to_come,
                   event.transaction::text AS transaction,
                   event.id,
                   event.at,
                   event.type,
                   event.environments,
                   event.run_id,
                   event.data::text AS data
            FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS transaction) AS horizon
            LEFT JOIN LATERAL (
                SELECT *
                FROM event
                WHERE (event.transaction, event.id) > (:afterTransaction::text::xid8, :afterId)
                  AND event.transaction < horizon.transaction
                  AND (:environment::text IS NULL OR :environment = ANY (event.environments)
                       OR event.type IN ('frozen_all', 'unfrozen_all'))
                ORDER BY event.transaction, event.id
                LIMIT :limit) AS event ON true
            ORDER BY event.transaction, event.id""";

    private static final String START = """
            SELECT pg_snapshot_xmin(now.snapshot)::text AS horizon,
                   pg_snapshot_xmax(now.snapshot)::text AS next_transaction,
                   pg_sequence_last_value(pg_get_serial_sequence('event', 'id')::regclass) AS last_id,
                   oldest.transaction::text AS oldest_transaction,
                   oldest.id AS oldest_id
            FROM (SELECT pg_current_snapshot() AS snapshot) AS now
            LEFT JOIN LATERAL (SELECT transaction, id FROM event ORDER BY transaction, id LIMIT 1) AS oldest ON true""";

    private final JdbcClient jdbc;

    public EventReader(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A stretch of the order.
     *
     * @param events in their order
     * @param upTo nothing that was asked for lies between the last event and here; go on from here
     * @param moreToCome events are committed that cannot be read before an older transaction is over; look again soon
     */
    public record Page(List<Event> events, EventId upTo, boolean moreToCome) {
        public Page {
            events = List.copyOf(events);
        }
    }

    /**
     * Where to begin.
     *
     * @param after read what comes after this
     * @param gap whether events between the place that was asked for and this one may be lost
     */
    public record Start(EventId after, boolean gap) {}

    /**
     * The next events after a place.
     *
     * @param environment only those that concern it; null for all
     * @param limit of events
     */
    public Page page(EventId after, @Nullable EnvironmentName environment, int limit) {
        List<Event> events = new ArrayList<>();
        List<EventId> horizon = new ArrayList<>(1);
        boolean[] moreToCome = {false};
        jdbc.sql(PAGE)
                .param("afterTransaction", Long.toString(after.transaction()))
                .param("afterId", after.id())
                .param("environment", environment == null ? null : environment.value())
                .param("limit", limit)
                .query(row -> {
                    if (horizon.isEmpty()) {
                        horizon.add(new EventId(Long.parseLong(row.getString("horizon")), 0));
                        moreToCome[0] = row.getBoolean("more_to_come");
                    }
                    if (row.getString("transaction") != null) {
                        events.add(event(row));
                    }
                });
        if (events.size() == limit) {
            return new Page(events, events.getLast().id(), moreToCome[0]);
        }
        EventId upTo = horizon.getFirst();
        return new Page(events, upTo.compareTo(after) > 0 ? upTo : after, moreToCome[0]);
    }

    /**
     * Where a reader begins who has read up to a place, or who wants to know what happens from now on.
     *
     * @param after null for now
     */
    public Start start(@Nullable EventId after) {
        return jdbc.sql(START).query((row, number) -> start(after, row)).single();
    }

    private static Start start(@Nullable EventId after, ResultSet row) throws SQLException {
        var now = new EventId(Long.parseLong(row.getString("horizon")), 0);
        if (after == null) {
            return new Start(now, false);
        }
        String oldestTransaction = row.getString("oldest_transaction");
        var oldest = oldestTransaction == null
                ? null
                : new EventId(Long.parseLong(oldestTransaction), row.getLong("oldest_id"));
        Long lastId = row.getObject("last_id", Long.class);
        if (after.transaction() > Long.parseLong(row.getString("next_transaction"))) {
            // No event of this database: it was replaced by another or by an old copy.
            return new Start(beforeOrNow(oldest, now), true);
        }
        // Events are deleted from the oldest on. So all after a place are there if an event up to that place is, or the
        // very first one is,
        // or there is none after it. When nothing of it can be told, the client had better look at the status.
        boolean complete = oldest == null
                ? lastId == null || lastId <= after.id()
                : oldest.id() == 1 || oldest.compareTo(after) <= 0;
        return complete ? new Start(after, false) : new Start(beforeOrNow(oldest, now), true);
    }

    private static EventId beforeOrNow(@Nullable EventId oldest, EventId now) {
        return oldest == null ? now : new EventId(oldest.transaction(), oldest.id() - 1);
    }

    private static Event event(ResultSet row) throws SQLException {
        Array environments = row.getArray("environments");
        return new Event(
                new EventId(Long.parseLong(row.getString("transaction")), row.getLong("id")),
                row.getObject("at", OffsetDateTime.class).toInstant(),
                row.getString("type"),
                List.of((String[]) environments.getArray()),
                row.getObject("run_id", Long.class),
                Objects.requireNonNull(row.getString("data")));
    }
}
