package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * The transition that nobody asks for: in every group with something overdue it ends that and grants the next. One replica does it at a
 * time, by an advisory lock of its own that is only tried; the others come back a second later.
 */
final class Sweep {
    private static final ParsedSql TRY_LOCK = Sql.parse("""
            SELECT pg_try_advisory_xact_lock(hashtextextended('lockkeeper sweeper', 0)) AS mine,
                   statement_timestamp() AS at,
                   last_swept_at
            FROM sweeper""");
    private static final ParsedSql FORGIVE_OUTAGE = Sql.load("forgive-outage.sql");
    private static final ParsedSql LOCK_DUE = Sql.load("lock-due.sql");
    private static final ParsedSql SWEPT = Sql.parse("UPDATE sweeper SET last_swept_at = statement_timestamp()");

    private static final int MAX_RESTARTS = 20;

    private final Transactions transactions;
    private final QueueTiming timing;
    private final Planner planner;

    Sweep(Transactions transactions, QueueTiming timing, Planner planner) {
        this.transactions = transactions;
        this.timing = timing;
        this.planner = planner;
    }

    /** What one transaction of a sweep came to. */
    private sealed interface Swept {
        /** Nothing is overdue that another transition has not locked, or another replica is at it. */
        record Nothing() implements Swept {}

        record Done(Execution.Committed committed) implements Swept {}

        /**
         * Begin again.
         *
         * @param missing with the locks of groups in which runs of the due groups have claims too, or with a longer look
         */
        record Unfinished(Scope missing) implements Swept {}
    }

    /** What it came to; null when that is nothing. */
    Execution.@Nullable Committed run() {
        Scope scope = Scope.ofGroups(Set.of());
        for (int restart = 0; restart <= MAX_RESTARTS; restart++) {
            Scope current = scope;
            switch (transactions.run(connection -> attempt(connection, current))) {
                case Swept.Nothing _ -> {
                    return null;
                }
                case Swept.Done done -> {
                    return done.committed();
                }
                case Swept.Unfinished again -> scope = again.missing();
            }
        }
        return null; // The next round goes on.
    }

    private Swept attempt(Connection connection, Scope more) throws SQLException {
        Turn turn = takeTurn(connection);
        if (!turn.isOurs()) {
            return new Swept.Nothing();
        }
        if (turn.isAfterOutage()) {
            forgiveOutage(connection);
            return new Swept.Unfinished(more);
        }
        Set<LockGroup> locked = new TreeSet<>();
        new RoundTrip()
                .add(Execution.LOCK_SHARED, Map.of(), RoundTrip.IGNORE)
                .add(LOCK_DUE, more.parameters(), rows -> {
                    while (rows.next()) {
                        if (rows.getBoolean("is_ours")) {
                            locked.add(new LockGroup(rows.getString("lock_group")));
                        }
                    }
                })
                .run(connection);

        if (locked.isEmpty() || !locked.containsAll(more.groups())) {
            new RoundTrip()
                    .add(SWEPT, Map.of(), RoundTrip.IGNORE)
                    .add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE)
                    .run(connection);
            return new Swept.Nothing();
        }
        SnapshotReader reading = new SnapshotReader();
        RoundTrip read = new RoundTrip();
        reading.addTo(read, more.with(locked));
        read.run(connection);
        Snapshot snapshot = reading.snapshot();

        Transition.Sweep transition = new Transition.Sweep(locked);
        return switch (planner.plan(snapshot, transition)) {
            case Plan.NeedsLocks needs -> new Swept.Unfinished(more.with(needs.groups()));
            case Plan.NeedsMore _ -> new Swept.Unfinished(more.deeper());
            case Plan.Decided decided -> {
                RoundTrip write = new RoundTrip();
                ChangeWriter writer = new ChangeWriter(snapshot, timing);
                decided.changes().forEach(change -> writer.add(write, change));
                write.add(SWEPT, Map.of(), RoundTrip.IGNORE).add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE);
                write.run(connection);
                yield new Swept.Done(new Execution.Committed(
                        transition, snapshot, decided.verdict(), decided.changes(), writer, decided.woken()));
            }
        };
    }

    /**
     * Gives the clients that nobody heard their time anew. A transaction of its own: it writes runs without the locks of their groups, so it
     * must not wait for such a lock, which a transition may hold that waits for such a run.
     */
    private void forgiveOutage(Connection connection) throws SQLException {
        Map<String, Object> parameters = Map.of(
                "presenceSeconds", (int) timing.presence().toSeconds(),
                "pickUpSeconds", (int) timing.pickUp().toSeconds());
        new RoundTrip()
                .add(FORGIVE_OUTAGE, parameters, RoundTrip.IGNORE)
                .add(SWEPT, Map.of(), RoundTrip.IGNORE)
                .add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE)
                .run(connection);
    }

    private record Turn(boolean isOurs, Instant at, Instant lastSweptAt) {
        boolean isAfterOutage() {
            return !at.isBefore(lastSweptAt.plus(Snapshot.OUTAGE));
        }
    }

    /** Takes the sweeper's lock if it is free. */
    private static Turn takeTurn(Connection connection) throws SQLException {
        AtomicReference<@Nullable Turn> turn = new AtomicReference<>();
        Transactions.begin()
                .add(TRY_LOCK, Map.of(), rows -> {
                    rows.next();
                    turn.set(new Turn(
                            rows.getBoolean("mine"),
                            RunRows.instant(rows, "at"),
                            RunRows.instant(rows, "last_swept_at")));
                })
                .run(connection);
        return Objects.requireNonNull(turn.get());
    }
}
