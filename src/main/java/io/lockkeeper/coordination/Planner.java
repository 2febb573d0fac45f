package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.CreateEnvironment;
import io.lockkeeper.coordination.Change.Enqueue;
import io.lockkeeper.coordination.Change.KeepReport;
import io.lockkeeper.coordination.Change.NewRun;
import io.lockkeeper.coordination.Change.Renew;
import io.lockkeeper.coordination.Change.RequestCancel;
import io.lockkeeper.coordination.Change.Ship;
import io.lockkeeper.coordination.Change.Skip;
import io.lockkeeper.coordination.Change.Start;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Decides. A pure function of the snapshot and the transition: no clock, no database, no configuration but what it was made with. Every
 * transition begins by ending what is overdue in its groups, so that nothing depends on the sweeper having been there.
 */
final class Planner {
    private final QueueTiming timing;

    Planner(QueueTiming timing) {
        this.timing = timing;
    }

    Plan plan(Snapshot snapshot, Transition transition) {
        Board board = new Board(snapshot, timing);
        Verdict verdict = switch (transition) {
            case Transition.Acquire acquire -> acquire(snapshot, board, acquire.request());
            case Transition.Heartbeat heartbeat -> heartbeat(snapshot, board, heartbeat.proof());
            case Transition.Release release -> release(snapshot, board, release.proof(), release.report());
            case Transition.Cancel cancel -> cancel(snapshot, board, cancel);
            case Transition.Sweep _ -> sweep(board);
        };
        return board.finish(verdict);
    }

    private static Verdict acquire(Snapshot snapshot, Board board, AcquireRequest request) {
        Optional<Run> twin = snapshot.run(snapshot.found().twin());
        if (twin.isPresent()) {
            Run run = twin.get();
            return run.requestDigest().matches(request.requestDigest())
                    ? new Verdict.Replayed(run)
                    : new Verdict.KeyReused(run);
        }
        board.endOverdue();
        board.grantHeads();

        List<Environment> environments =
                request.environments().stream().map(snapshot::environment).toList();
        TreeSet<LockGroup> groups = new TreeSet<>();
        environments.forEach(environment -> groups.add(environment.lockGroup()));
        List<EnvironmentName> unknown = environments.stream()
                .filter(environment -> !environment.known())
                .map(Environment::name)
                .toList();
        NewRun run = newRun(request, environments);

        if (board.isFreeFor(groups, request.priority())) {
            create(board, environments);
            board.add(new Start(run));
            return new Verdict.Started(unknown);
        }
        if (request.mode() == Mode.FAIL_FAST) {
            return new Verdict.Held(board.inTheWay(groups, request.priority()));
        }
        Optional<Run> cover = coverFor(snapshot, board, request, environments);
        create(board, environments);
        if (cover.isPresent()) {
            Run into = cover.get();
            boolean covered = into.coverage() == Coverage.LATEST;
            board.add(new Skip(run, into.id(), covered, skipReason(into, covered)));
            return new Verdict.Skipped(into);
        }
        board.add(new Enqueue(run));
        return new Verdict.Queued(unknown);
    }

    private static NewRun newRun(AcquireRequest request, List<Environment> environments) {
        // The strictest policy of several environments counts: the shortest lease, the shortest time in the queue.
        Duration lease =
                Objects.requireNonNullElseGet(request.lease(), () -> shortest(environments, EnvironmentPolicy::lease));
        Duration queueTimeout = Objects.requireNonNullElseGet(
                request.queueTimeout(), () -> shortest(environments, EnvironmentPolicy::queueTimeout));
        return new NewRun(request, lease, queueTimeout);
    }

    private static Duration shortest(
            List<Environment> environments, java.util.function.Function<EnvironmentPolicy, Duration> value) {
        return environments.stream()
                .map(Environment::policy)
                .map(value)
                .min(Comparator.naturalOrder())
                .orElseThrow();
    }

    private static void create(Board board, List<Environment> environments) {
        environments.stream()
                .filter(environment -> !environment.known())
                .forEach(environment -> board.add(new CreateEnvironment(environment)));
    }

    /**
     * The run that a new one is skipped for: with as many pending as the threshold of any of its environments, the last queued run of the
     * same environments, repository and ref. With none there is nobody to deploy the change, and the new run is queued.
     */
    private static Optional<Run> coverFor(
            Snapshot snapshot, Board board, AcquireRequest request, List<Environment> environments) {
        if (!request.batch() || request.priority() == Priority.HIGH) {
            return Optional.empty();
        }
        boolean full = environments.stream()
                .anyMatch(environment -> environment.policy().batchThreshold() > 0
                        && board.pending(environment.lockGroup())
                                >= environment.policy().batchThreshold());
        return full ? snapshot.run(snapshot.found().cover()).filter(board::isQueued) : Optional.empty();
    }

    private static String skipReason(Run into, boolean covered) {
        return covered
                ? "enough runs are pending and run " + into.id() + ", queued last, will deploy this change"
                : "enough runs are pending and run " + into.id()
                        + ", queued last, is to include this change; it is pinned to its own sha, so check that it does";
    }

    private static Verdict heartbeat(Snapshot snapshot, Board board, LockProof proof) {
        Optional<Run> found = snapshot.run(proof.run());
        if (found.isEmpty()) {
            return new Verdict.RunUnknown();
        }
        Run run = found.get();
        if (!run.seal().digest().matches(proof.digest())) {
            return new Verdict.ProofInvalid();
        }
        board.endOverdue();
        board.grantHeads();
        if (run.status().isWaiting() || run.status() == RunStatus.SKIPPED) {
            return new Verdict.NotGranted(run);
        }
        if (board.hasEnded(run)) {
            return new Verdict.LeaseLost(run, board.holderInsteadOf(run));
        }
        board.add(new Renew(run));
        return new Verdict.Renewed(run);
    }

    private static Verdict release(Snapshot snapshot, Board board, LockProof proof, Report report) {
        Optional<Run> found = snapshot.run(proof.run());
        if (found.isEmpty()) {
            return new Verdict.RunUnknown();
        }
        Run run = found.get();
        if (!run.seal().digest().matches(proof.digest())) {
            return new Verdict.ProofInvalid();
        }
        board.endOverdue();
        Verdict verdict = switch (run.status()) {
            case IN_PROGRESS ->
                board.hasEnded(run) ? late(snapshot, board, run, report) : released(snapshot, board, run, report);
            case QUEUED, AWAITING_APPROVAL -> leftTheQueue(board, run, report);
            case SUCCESS, FAILURE, CANCELLED -> new Verdict.AlreadyEnded(run);
            case SKIPPED -> new Verdict.NotGranted(run);
            case TIMED_OUT, ABANDONED, EXPIRED, PREEMPTED, REJECTED, SUPERSEDED -> late(snapshot, board, run, report);
        };
        board.grantHeads();
        return verdict instanceof Verdict.LeaseLost ? new Verdict.LeaseLost(run, board.holderInsteadOf(run)) : verdict;
    }

    private static Verdict released(Snapshot snapshot, Board board, Run run, Report report) {
        board.end(run, report.result().status(), "released by its client", report);
        ship(snapshot, board, run, report);
        // Whatever the run covered and did not deploy needs another cover.
        board.handOver(run);
        return new Verdict.Ended(run);
    }

    private static Verdict leftTheQueue(Board board, Run run, Report report) {
        if (board.hasEnded(run)) {
            return new Verdict.AlreadyEnded(run);
        }
        if (report.result() != Report.Result.CANCELLED) {
            return new Verdict.NotGranted(run);
        }
        board.end(run, RunStatus.CANCELLED, "left the queue", null);
        board.handOver(run);
        return new Verdict.Ended(run);
    }

    /** Too late to count, but what was deployed was deployed. */
    private static Verdict late(Snapshot snapshot, Board board, Run run, Report report) {
        if (run.grant() != null && run.report() == null) {
            board.add(new KeepReport(run, report));
            ship(snapshot, board, run, report);
        }
        return new Verdict.LeaseLost(run, null);
    }

    private static void ship(Snapshot snapshot, Board board, Run run, Report report) {
        if (report.result() == Report.Result.SUCCESS) {
            String deployed = Objects.requireNonNullElse(
                    report.deployedSha(),
                    Objects.requireNonNullElse(
                            Deploy.of(run, snapshot.batched()).sha(), ""));
            List<RunId> shipped = Deploy.shipped(run, snapshot.batched(), report.deployedSha());
            board.add(new Ship(run, shipped, deployed.isEmpty() ? null : deployed));
        }
    }

    private static Verdict cancel(Snapshot snapshot, Board board, Transition.Cancel cancel) {
        Optional<Run> found = snapshot.run(cancel.run());
        if (found.isEmpty()) {
            return new Verdict.RunUnknown();
        }
        Run run = found.get();
        LockProof proof = cancel.proof();
        if (proof != null && !run.seal().digest().matches(proof.digest())) {
            return new Verdict.ProofInvalid();
        }
        board.endOverdue();
        Verdict verdict;
        if (board.hasEnded(run)) {
            verdict = new Verdict.AlreadyEnded(run);
        } else if (run.status().isWaiting() || run.awaitsPickUp()) {
            board.end(run, RunStatus.CANCELLED, cancel.reason(), null);
            board.handOver(run);
            verdict = new Verdict.Ended(run);
        } else {
            board.add(new RequestCancel(run));
            verdict = new Verdict.CancelRequested(run);
        }
        board.grantHeads();
        return verdict;
    }

    private static Verdict sweep(Board board) {
        board.endOverdue();
        board.grantHeads();
        return board.swept();
    }
}
