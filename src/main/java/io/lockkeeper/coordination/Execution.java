package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * Carries transitions out: lock the groups, read one snapshot, plan, write the plan, commit; then wake whoever waits for what changed, and
 * tell the observers.
 */
public final class Execution {
    private static final Logger LOG = LoggerFactory.getLogger(Execution.class);
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
    private final List<TransitionObserver> observers;
    private final Sweep sweep;

    /**
     * Makes one for a database.
     *
     * @param createsEnvironments whether an acquire makes the environments that it names
     */
    public Execution(
            JdbcTemplate jdbc,
            QueueTiming timing,
            boolean createsEnvironments,
            Doorbell doorbell,
            List<TransitionObserver> observers) {
        this.timing = timing;
        this.planner = new Planner(timing, createsEnvironments);
        this.transactions = new Transactions(jdbc);
        this.doorbell = doorbell;
        this.observers = List.copyOf(observers);
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
        Committed swept = sweep.run();
        if (swept == null) {
            return 0;
        }
        conclude(swept);
        return swept.woken().runs().size();
    }

    /** Freezes or thaws all environments at once: no transition is under way meanwhile. */
    void withoutTransitions(RoundTrip writes, Effects effects) {
        transactions.run(connection -> {
            Transactions.begin().add(LOCK_ALL, Map.of(), RoundTrip.IGNORE).run(connection);
            writes.add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE).run(connection);
            return true;
        });
        tell(() -> effects);
    }

    /** A plan that was executed and committed. */
    record Committed(
            Transition transition,
            Snapshot snapshot,
            Verdict verdict,
            List<Change> changes,
            ChangeWriter after,
            Wake woken) {}

    /** What is to be written together with a plan, or not at all. */
    @FunctionalInterface
    interface Work {
        void run(Verdict verdict, UnderLock lock);
    }

    private sealed interface Attempt {
        record Done(Committed committed) implements Attempt {}

        record Restart(Scope scope) implements Attempt {}
    }

    /** Plans and executes; what is refused is a verdict too. */
    Committed run(Transition transition) {
        return run(transition, null);
    }

    /** The same with work that is part of the transaction; it may be begun again. What it throws undoes everything. */
    Committed run(Transition transition, @Nullable Work work) {
        Scope scope = Scope.of(transition);
        for (int restart = 0; restart < MAX_RESTARTS; restart++) {
            Scope current = scope;
            try {
                switch (transactions.run(connection -> attempt(connection, current, transition, work))) {
                    case Attempt.Done done -> {
                        conclude(done.committed());
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

    private Attempt attempt(Connection connection, Scope scope, Transition transition, @Nullable Work work)
            throws SQLException {
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
                if (work == null) {
                    write(connection, decided.changes(), writer);
                } else {
                    write(connection, decided, writer, work);
                }
                yield new Attempt.Done(new Committed(
                        transition, snapshot, decided.verdict(), decided.changes(), writer, decided.woken()));
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

    private static void write(Connection connection, Plan.Decided decided, ChangeWriter writer, Work work)
            throws SQLException {
        if (!decided.changes().isEmpty()) {
            RoundTrip writes = new RoundTrip();
            decided.changes().forEach(change -> writer.add(writes, change));
            writes.run(connection);
        }
        work.run(decided.verdict(), new UnderLock(connection, writer.at()));
        new RoundTrip().add(Sql.COMMIT, Map.of(), RoundTrip.IGNORE).run(connection);
    }

    private void conclude(Committed committed) {
        if (!committed.woken().isEmpty()) {
            doorbell.ring(committed.woken());
        }
        tell(() -> Effects.of(committed));
    }

    /** What is committed stands, whatever comes of this, and its client is to learn of it. */
    private void tell(Supplier<Effects> told) {
        try {
            Effects effects = told.get();
            if (!effects.isNothing()) {
                observers.forEach(observer -> tell(observer, effects));
            }
        } catch (RuntimeException e) {
            LOG.error("What a transition did could not be told.", e);
        }
    }

    private static void tell(TransitionObserver observer, Effects effects) {
        try {
            observer.committed(effects);
        } catch (RuntimeException e) {
            LOG.error(
                    "{} failed to take note of a transition.",
                    observer.getClass().getSimpleName(),
                    e);
        }
    }

    private static CannotAcquireLockException tooManyRestarts(Transition transition) {
        return new CannotAcquireLockException(
                "the groups of " + transition.getClass().getSimpleName() + " kept growing; try again");
    }
}
