package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The transitions. Each is one transaction: lock its groups, read one snapshot, plan, write the plan, commit; then wake whoever waits for
 * what changed. Faults are exceptions of Spring's {@code DataAccessException} family, and then nothing has happened unless the connection
 * broke during the commit: repeat the request, with the same idempotency key if it is an acquire.
 */
public final class Coordinator {
    /**
     * How many acquires of this replica may be under way at a time. A lock that is not free soon holds up whoever asks for it, each on a
     * connection; heartbeats and releases must find some left.
     */
    private static final int ACQUIRING_AT_ONCE = 4;

    private final Execution execution;
    private final RunReader reader;
    private final Semaphore acquiring = new Semaphore(ACQUIRING_AT_ONCE, true);

    public Coordinator(Execution execution, RunReader reader) {
        this.execution = execution;
        this.reader = reader;
    }

    public AcquireOutcome acquire(AcquireRequest request) {
        Execution.Committed done = begin(request);
        return switch (done.verdict()) {
            case Verdict.Started started ->
                new AcquireOutcome.Granted(granted(done.after().inserted(), done), started.created());
            case Verdict.Queued queued ->
                new AcquireOutcome.Queued(
                        reader.withStanding(report(done.after().inserted(), done)), queued.created());
            case Verdict.Skipped _ ->
                new AcquireOutcome.Skipped(report(done.after().inserted(), done));
            case Verdict.Held held -> new AcquireOutcome.Held(blockers(request, held.inTheWay(), done));
            case Verdict.EnvironmentsUnknown unknown -> new AcquireOutcome.EnvironmentsUnknown(unknown.environments());
            case Verdict.HeldBackNow heldBack -> new AcquireOutcome.HeldBackNow(Blocker.of(heldBack.why()));
            case Verdict.ApprovalRequired approval -> new AcquireOutcome.ApprovalRequired(approval.required());
            case Verdict.PromotionRequired promotion ->
                new AcquireOutcome.PromotionRequired(
                        promotion.environment().name(),
                        Objects.requireNonNull(promotion.environment().policy().promoteFrom()),
                        promotion.environment().promotableSha());
            case Verdict.Replayed replayed -> replayed(request, replayed.run());
            case Verdict.KeyReused reused ->
                new AcquireOutcome.KeyReused(reused.run().id());
            case Verdict other -> throw unexpected(other);
        };
    }

    private Execution.Committed begin(AcquireRequest request) {
        acquiring.acquireUninterruptibly();
        try {
            return execution.run(new Transition.Acquire(request));
        } finally {
            acquiring.release();
        }
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
        return outcome(proof.run(), execution.run(new Transition.Heartbeat(proof)));
    }

    /**
     * A heartbeat, and what only the holder may do: the work is done in the same transaction if the run holds its locks, and not at all
     * otherwise. It may be begun again, and what it throws undoes the heartbeat as well.
     */
    public RunOutcome heartbeat(LockProof proof, Consumer<UnderLock> work) {
        return outcome(proof.run(), execution.run(new Transition.Heartbeat(proof), (verdict, lock) -> {
            if (verdict instanceof Verdict.Renewed) {
                work.accept(lock);
            }
        }));
    }

    /**
     * Does what must not happen while somebody holds the lock of an environment.
     *
     * @param mayHold a holder that is in nobody's way here
     * @return the holder because of whom nothing was done; empty when the work is done
     */
    public Optional<Run> unlessHeld(EnvironmentName environment, Predicate<Run> mayHold, Consumer<UnderLock> work) {
        Execution.Committed done = execution.run(new Transition.Look(environment), (verdict, lock) -> {
            if (inTheWay(verdict, mayHold) == null) {
                work.accept(lock);
            }
        });
        return Optional.ofNullable(inTheWay(done.verdict(), mayHold)).map(done.after()::after);
    }

    private static @Nullable Run inTheWay(Verdict verdict, Predicate<Run> mayHold) {
        return verdict instanceof Verdict.HeldBy(@Nullable Run holder) && holder != null && !mayHold.test(holder)
                ? holder
                : null;
    }

    /** Answers Ended, LeaseLost, NotGranted, Unknown or ProofInvalid. Repeating it is harmless. */
    public RunOutcome release(LockProof proof, Report report) {
        return outcome(proof.run(), execution.run(new Transition.Release(proof, report)));
    }

    /** A run's own client cancels it. Answers Ended, CancelRequested, Unknown or ProofInvalid. */
    public RunOutcome cancel(LockProof proof, String reason) {
        return outcome(proof.run(), execution.run(new Transition.Cancel(proof.run(), proof, reason, null)));
    }

    /** An admin cancels somebody's run. Answers Ended, CancelRequested or Unknown. */
    public RunOutcome cancel(RunId run, String reason, Actor admin) {
        return outcome(run, execution.run(new Transition.Cancel(run, null, reason, admin)));
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
        execution.run(new Transition.Sweep(report.run().lockGroups()));
        return true;
    }

    /** What an acquire would come to now: the same plan, made without the locks and not executed. */
    public QueueCheck check(AcquireRequest request) {
        Execution.Imagined imagined = execution.imagine(new Transition.Check(request));
        Snapshot snapshot = imagined.snapshot();
        int length = request.environments().stream()
                .map(snapshot::environment)
                .mapToInt(environment -> snapshot.pending().getOrDefault(environment.lockGroup(), 0))
                .max()
                .orElse(0);
        return imagined.changes().stream()
                .filter(Change.Skip.class::isInstance)
                .map(Change.Skip.class::cast)
                .findFirst()
                .map(skip -> new QueueCheck(length, skip.into(), skip.covered(), skip.why()))
                .orElse(new QueueCheck(length, null, false, null));
    }

    /**
     * Ends whatever is overdue anywhere and grants what can be granted; does nothing while another replica is at it.
     *
     * @return how many runs it moved; call again until none
     */
    public int sweep() {
        return execution.sweep();
    }

    private static RunOutcome outcome(RunId id, Execution.Committed done) {
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
    private static List<Blocker> blockers(AcquireRequest request, List<Run> inTheWay, Execution.Committed done) {
        Set<LockGroup> groups = new TreeSet<>();
        request.environments()
                .forEach(name -> groups.add(done.snapshot().environment(name).lockGroup()));
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

    private static RunReport report(Run run, Execution.Committed done) {
        return new RunReport(run, done.snapshot().at(), null, null);
    }

    private static RunReport granted(Run run, Execution.Committed done) {
        return new RunReport(run, done.snapshot().at(), null, Deploy.of(run, List.of()));
    }

    private static IllegalStateException unexpected(Verdict verdict) {
        return new IllegalStateException("the planner answered " + verdict);
    }
}
