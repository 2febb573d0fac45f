package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/** Carries transitions out: lock the groups, read one snapshot, plan, write the plan, commit; then wake whoever waits for what changed. */
public final class Execution {
    private static final ParsedSql LOCK = Sql.load("lock.sql");

    /** A freeze of all environments waits for the transitions that are under way, and keeps others out for its moment. */
    private static final String ALL = "(hashtextextended('lockkeeper all environments', 0))";

    static final ParsedSql LOCK_SHARED = Sql.parse("SELECT pg_advisory_xact_lock_shared" + ALL);
    private static final ParsedSql LOCK_ALL = Sql.parse("SELECT pg_advisory_xact_lock" + ALL);

    /** A restart adds the groups of the runs in the way: usually one is enough, a chain of runs that wait for each other's takes as many. */
    private static final int MAX_RESTARTS = 100;

    private final QueueTiming timing;
    private final Planner planner;
    private final Transactions transactions;
    private final Doorbell doorbell;
    private final Sweep sweep;

    /**
     * Makes one for a database.
     *
     * @param createsEnvironments whether an acquire makes the environments that it names
     */
    public Execution(JdbcTemplate jdbc, QueueTiming timing, boolean createsEnvironments, Doorbell doorbell) {
        this.timing = timing;
        this.planner = new Planner(timing, createsEnvironments);
        this.transactions = new Transactions(jdbc);
        this.doorbell = doorbell;
        this.sweep = new Sweep(transactions, timing, planner);
    }

    /** What a transition would come to: the plan, made without the locks and not executed. */
    record Imagined(Snapshot snapshot, List<Change> changes, Verdict verdict) {}

    Imagined imagine(Transition transition) {
        Scope scope = Scope.of(transition);
        for (int restart = 0; restart < MAX_RESTARTS; restart++) {
            Scope current = scope;
            Snapshot snapshot = transactions.run(connection -> read(connection, current));
            if (!snapshot.isConsistent()) {
                continue;
            }
            switch (planner.plan(snapshot, transition)) {
                case Plan.NeedsLocks needs -> scope = scope.with(needs.groups());
                case Plan.NeedsMore _ -> scope = scope.deeper();
                case Plan.Decided decided -> {
                    return new Imagined(snapshot, decided.changes(), decided.verdict());
                }
            }
        }
        throw tooManyRestarts(transition);
    }

    /**
     * Ends whatever is overdue anywhere and grants what can be granted; does nothing while another replica is at it.
     *
     * @return how many runs it moved; call again until none
     */
    int sweep() {
        Sweep.Swept swept = sweep.run();
        ring(swept.woken());
        return swept.woken().runs().size();
    }

    /** Freezes or thaws all environments at once: no transition is under way meanwhile. */
    void withoutTransitions(RoundTrip writes) {
        transactions.run(connection -> {
            Transactions.begin().add(LOCK_ALL, Map.of(), RoundTrip.IGNORE).run(connection);
            writes.add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE).run(connection);
            return true;
        });
    }

    /** A plan that was executed and committed. */
    record Committed(Snapshot snapshot, Verdict verdict, ChangeWriter after, Wake woken) {}

    private sealed interface Attempt {
        record Done(Committed committed) implements Attempt {}

        record Restart(Scope scope) implements Attempt {}
    }

    /** Plans and executes; what is refused is a verdict too. */
    Committed run(Transition transition) {
        Scope scope = Scope.of(transition);
        for (int restart = 0; restart < MAX_RESTARTS; restart++) {
            Scope current = scope;
            try {
                switch (transactions.run(connection -> attempt(connection, current, transition))) {
                    case Attempt.Done done -> {
                        ring(done.committed().woken());
                        return done.committed();
                    }
                    case Attempt.Restart again -> scope = again.scope();
                }
            } catch (DuplicateKeyException e) {
                // Another request made the same idempotency key or environment meanwhile, under other locks. Now it is
                // there to be seen.
                if (restart > 2) {
                    throw e;
                }
            }
        }
        throw tooManyRestarts(transition);
    }

    private Attempt attempt(Connection connection, Scope scope, Transition transition) throws SQLException {
        Set<LockGroup> locked = new TreeSet<>();
        SnapshotReader reading = new SnapshotReader();
        RoundTrip lockAndRead = Transactions.begin();
        lockAndRead.add(LOCK_SHARED, Map.of(), RoundTrip.IGNORE);
        lockAndRead.add(LOCK, scope.parameters(), rows -> {
            while (rows.next()) {
                locked.add(new LockGroup(rows.getString("lock_group")));
            }
        });
        reading.addTo(lockAndRead, scope);
        lockAndRead.run(connection);

        Snapshot snapshot = reading.snapshot();
        if (!locked.equals(snapshot.locked())) {
            // An environment moved to another lock group while this transition waited for its locks.
            return new Attempt.Restart(scope.with(snapshot.locked()));
        }
        return switch (planner.plan(snapshot, transition)) {
            case Plan.NeedsLocks needs -> new Attempt.Restart(scope.with(needs.groups()));
            case Plan.NeedsMore _ -> new Attempt.Restart(scope.deeper());
            case Plan.Decided decided -> {
                ChangeWriter writer = new ChangeWriter(snapshot, timing);
                write(connection, decided.changes(), writer);
                yield new Attempt.Done(new Committed(snapshot, decided.verdict(), writer, decided.woken()));
            }
        };
    }

    private Snapshot read(Connection connection, Scope scope) throws SQLException {
        SnapshotReader reading = new SnapshotReader();
        RoundTrip roundTrip = new RoundTrip();
        reading.addTo(roundTrip, scope);
        roundTrip.run(connection);
        return reading.snapshot();
    }

    private static void write(Connection connection, List<Change> changes, ChangeWriter writer) throws SQLException {
        if (changes.isEmpty()) {
            return;
        }
        RoundTrip writeAndCommit = new RoundTrip();
        changes.forEach(change -> writer.add(writeAndCommit, change));
        writeAndCommit.add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE);
        writeAndCommit.run(connection);
    }

    private void ring(Wake wake) {
        if (!wake.isEmpty()) {
            doorbell.ring(wake);
        }
    }

    private static CannotAcquireLockException tooManyRestarts(Transition transition) {
        return new CannotAcquireLockException(
                "the groups of " + transition.getClass().getSimpleName() + " kept growing; try again");
    }
}
