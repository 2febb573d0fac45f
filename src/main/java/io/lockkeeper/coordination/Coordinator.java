package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Policies;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * The transitions. Each is one transaction: lock its groups, read one snapshot, plan, write the plan, commit; then wake whoever waits for
 * what changed. Faults are exceptions of Spring's {@code DataAccessException} family, and then nothing has happened unless the connection
 * broke during the commit: repeat the request, with the same idempotency key if it is an acquire.
 */
public final class Coordinator {
    private static final ParsedSql LOCK = Sql.load("lock.sql");

    /** A restart adds the groups of the runs in the way: usually one is enough, a chain of runs that wait for each other's takes as many. */
    private static final int MAX_RESTARTS = 100;

    private final Policies policies;
    private final QueueTiming timing;
    private final Planner planner;
    private final Transactions transactions;
    private final RunReader reader;
    private final Doorbell doorbell;
    private final Sweep sweep;

    public Coordinator(JdbcTemplate jdbc, Policies policies, QueueTiming timing, RunReader reader, Doorbell doorbell) {
        this.policies = policies;
        this.timing = timing;
        this.planner = new Planner(timing);
        this.transactions = new Transactions(jdbc);
        this.reader = reader;
        this.doorbell = doorbell;
        this.sweep = new Sweep(transactions, policies, timing, planner);
    }

    public AcquireOutcome acquire(AcquireRequest request) {
        Committed done = run(new Transition.Acquire(request));
        return switch (done.verdict()) {
            case Verdict.Started started ->
                new AcquireOutcome.Granted(granted(done.after().inserted(), done), started.created());
            case Verdict.Queued queued ->
                new AcquireOutcome.Queued(
                        reader.withStanding(report(done.after().inserted(), done)), queued.created());
            case Verdict.Skipped _ ->
                new AcquireOutcome.Skipped(report(done.after().inserted(), done));
            case Verdict.Held held -> new AcquireOutcome.Held(blockers(held.inTheWay(), done));
            case Verdict.Replayed replayed -> replayed(request, replayed.run());
            case Verdict.KeyReused reused ->
                new AcquireOutcome.KeyReused(reused.run().id());
            case Verdict other -> throw unexpected(other);
        };
    }

    /** The client is here again, so it is present, and if its run was granted meanwhile it now knows. */
    private AcquireOutcome replayed(AcquireRequest request, Run run) {
        LockProof proof = new LockProof(run.id(), run.seal().digest());
        RunReport report = reader.touch(proof)
                .orElseThrow(
                        () -> new IllegalStateException("run " + run.id() + " of " + request.caller() + " vanished"));
        if (endIfOverdue(report)) {
            report = reader.find(run.id()).orElseThrow();
        }
        return new AcquireOutcome.Replayed(reader.withStanding(report));
    }

    /** Answers Renewed, LeaseLost, NotGranted, Unknown or ProofInvalid. */
    public RunOutcome heartbeat(LockProof proof) {
        return outcome(proof.run(), run(new Transition.Heartbeat(proof)));
    }

    /** Answers Ended, LeaseLost, NotGranted, Unknown or ProofInvalid. Repeating it is harmless. */
    public RunOutcome release(LockProof proof, Report report) {
        return outcome(proof.run(), run(new Transition.Release(proof, report)));
    }

    /**
     * Answers Ended, CancelRequested, Unknown or ProofInvalid.
     *
     * @param proof null when an admin cancels
     * @param reason why, for the people who ask later
     */
    public RunOutcome cancel(RunId run, @Nullable LockProof proof, String reason) {
        return outcome(run, run(new Transition.Cancel(run, proof, reason)));
    }

    /**
     * Ends the run if its time is up and no transition has noticed yet, so that a lapsed grant is never shown as one.
     *
     * @return whether it was overdue, and should be read again
     */
    public boolean endIfOverdue(RunReport report) {
        if (!report.run().isOverdue(report.at())) {
            return false;
        }
        run(new Transition.Sweep(report.run().lockGroups()));
        return true;
    }

    /** What an acquire would come to now: the same plan, made without the locks and not executed. */
    public QueueCheck check(AcquireRequest request) {
        Transition transition = new Transition.Acquire(request);
        Scope scope = Scope.of(transition);
        for (int restart = 0; restart < MAX_RESTARTS; restart++) {
            Scope current = scope;
            Snapshot snapshot = transactions.run(connection -> read(connection, current));
            switch (planner.plan(snapshot, transition)) {
                case Plan.NeedsLocks needs -> scope = scope.with(needs.groups());
                case Plan.Decided decided -> {
                    int length = snapshot.environments().values().stream()
                            .mapToInt(environment -> snapshot.pending().getOrDefault(environment.lockGroup(), 0))
                            .max()
                            .orElse(0);
                    return decided.verdict() instanceof Verdict.Skipped skipped
                            ? new QueueCheck(
                                    length, skipped.into().id(), skipped.into().coverage() == Coverage.LATEST)
                            : new QueueCheck(length, null, false);
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
    public int sweep() {
        Sweep.Swept swept = sweep.run();
        ring(swept.woken());
        return swept.woken().runs().size();
    }

    /** A plan that was executed and committed. */
    private record Committed(Snapshot snapshot, Verdict verdict, ChangeWriter after, Wake woken) {}

    private sealed interface Attempt {
        record Done(Committed committed) implements Attempt {}

        record Restart(Set<LockGroup> groups) implements Attempt {}
    }

    private Committed run(Transition transition) {
        Scope scope = Scope.of(transition);
        for (int restart = 0; restart < MAX_RESTARTS; restart++) {
            Scope current = scope;
            try {
                switch (transactions.run(connection -> attempt(connection, current, transition))) {
                    case Attempt.Done done -> {
                        ring(done.committed().woken());
                        return done.committed();
                    }
                    case Attempt.Restart again -> scope = scope.with(again.groups());
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
        SnapshotReader reading = new SnapshotReader(policies);
        RoundTrip lockAndRead = Transactions.begin();
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
            return new Attempt.Restart(snapshot.locked());
        }
        return switch (planner.plan(snapshot, transition)) {
            case Plan.NeedsLocks needs -> new Attempt.Restart(needs.groups());
            case Plan.Decided decided -> {
                ChangeWriter writer = new ChangeWriter(snapshot, timing);
                write(connection, decided.changes(), writer);
                yield new Attempt.Done(new Committed(snapshot, decided.verdict(), writer, decided.woken()));
            }
        };
    }

    private Snapshot read(Connection connection, Scope scope) throws SQLException {
        SnapshotReader reading = new SnapshotReader(policies);
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

    private static RunOutcome outcome(RunId id, Committed done) {
        ChangeWriter after = done.after();
        return switch (done.verdict()) {
            case Verdict.Renewed renewed -> new RunOutcome.Renewed(after.after(renewed.run()));
            case Verdict.Ended ended -> new RunOutcome.Ended(after.after(ended.run()));
            case Verdict.AlreadyEnded ended -> new RunOutcome.Ended(after.after(ended.run()));
            case Verdict.CancelRequested asked -> new RunOutcome.CancelRequested(after.after(asked.run()));
            case Verdict.NotGranted waiting -> new RunOutcome.NotGranted(after.after(waiting.run()));
            case Verdict.LeaseLost lost ->
                new RunOutcome.LeaseLost(after.after(lost.run()), holder(lost.run(), lost.holder(), after));
            case Verdict.RunUnknown _ -> new RunOutcome.Unknown(id);
            case Verdict.ProofInvalid _ -> new RunOutcome.ProofInvalid(id);
            case Verdict other -> throw unexpected(other);
        };
    }

    private static Blocker.@Nullable Holder holder(Run lost, @Nullable Run holder, ChangeWriter after) {
        return holder == null ? null : Blocker.Holder.of(sharedGroup(lost.lockGroups(), holder), after.after(holder));
    }

    /** Group by group, as a queued run is told. */
    private static List<Blocker> blockers(List<Run> inTheWay, Committed done) {
        Set<LockGroup> groups = new TreeSet<>();
        done.snapshot().environments().values().forEach(environment -> groups.add(environment.lockGroup()));
        List<Blocker> blockers = new ArrayList<>();
        for (LockGroup group : groups) {
            List<RunId> queued = new ArrayList<>();
            for (Run before : inTheWay) {
                Run run = done.after().after(before);
                if (run.lockGroups().contains(group)) {
                    if (run.status() == RunStatus.IN_PROGRESS) {
                        blockers.add(Blocker.Holder.of(group, run));
                    } else {
                        queued.add(run.id());
                    }
                }
            }
            if (!queued.isEmpty()) {
                blockers.add(new Blocker.Queue(group, queued.size(), queued));
            }
        }
        return blockers;
    }

    private static LockGroup sharedGroup(Set<LockGroup> groups, Run holder) {
        return holder.lockGroups().stream().filter(groups::contains).findFirst().orElseThrow();
    }

    private static RunReport report(Run run, Committed done) {
        return new RunReport(run, done.snapshot().at(), null, null);
    }

    private static RunReport granted(Run run, Committed done) {
        return new RunReport(run, done.snapshot().at(), null, Deploy.of(run, List.of()));
    }

    private static IllegalStateException unexpected(Verdict verdict) {
        return new IllegalStateException("the planner answered " + verdict);
    }

    private static CannotAcquireLockException tooManyRestarts(Transition transition) {
        return new CannotAcquireLockException(
                "the groups of " + transition.getClass().getSimpleName() + " kept growing; try again");
    }
}
