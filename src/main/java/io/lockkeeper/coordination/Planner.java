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
import io.lockkeeper.environment.QueueMode;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Decides. A pure function of the snapshot and the transition: no clock, no database, no configuration but what it was made with. Every
 * transition begins by ending what is overdue in its groups, so that nothing depends on the sweeper having been there.
 */
final class Planner {
    private final QueueTiming timing;
    private final boolean createsEnvironments;

    /**
     * Makes a planner.
     *
     * @param createsEnvironments whether an acquire makes the environments that it names
     */
    Planner(QueueTiming timing, boolean createsEnvironments) {
        this.timing = timing;
        this.createsEnvironments = createsEnvironments;
    }

    Plan plan(Snapshot snapshot, Transition transition) {
        Board board = new Board(snapshot, timing);
        Verdict verdict = switch (transition) {
            case Transition.Acquire acquire -> acquire(snapshot, board, acquire.request(), false);
            case Transition.Check check ->
                acquire(
                        snapshot,
                        board,
                        check.request(),
                        check.request().details().sha() == null);
            case Transition.Heartbeat heartbeat -> heartbeat(snapshot, board, heartbeat.proof());
            case Transition.Release release -> release(snapshot, board, release.proof(), release.report());
            case Transition.Cancel cancel -> cancel(snapshot, board, cancel);
            case Transition.Sweep _ -> sweep(board);
            case Transition.Look look -> look(snapshot, board, look);
            case Transition.SetPolicy set -> AdminPlanner.setPolicy(snapshot, board, set);
            case Transition.MoveEnvironment move -> AdminPlanner.move(snapshot, board, move);
            case Transition.FreezeEnvironment freeze -> AdminPlanner.freeze(snapshot, board, freeze);
            case Transition.Unfreeze unfreeze -> AdminPlanner.unfreeze(snapshot, board, unfreeze);
            case Transition.Acknowledge acknowledge -> AdminPlanner.acknowledge(snapshot, board, acknowledge);
            case Transition.ForceRelease force -> AdminPlanner.forceRelease(snapshot, board, force);
            case Transition.Approve approve -> AdminPlanner.approve(snapshot, board, approve);
            case Transition.Reject reject -> AdminPlanner.reject(snapshot, board, reject);
            case Transition.Prioritize prioritize -> AdminPlanner.prioritize(snapshot, board, prioritize);
        };
        return board.finish(verdict);
    }

    private Verdict acquire(Snapshot snapshot, Board board, AcquireRequest request, boolean mayDeployAny) {
        Optional<Run> twin = snapshot.run(snapshot.found().twin());
        if (twin.isPresent()) {
            Run run = twin.get();
            return run.requestDigest().matches(request.requestDigest())
                    ? new Verdict.Replayed(run)
                    : new Verdict.KeyReused(run);
        }
        List<Environment> environments =
                request.environments().stream().map(snapshot::environment).toList();
        List<EnvironmentName> unknown = environments.stream()
                .filter(environment -> !environment.known())
                .map(Environment::name)
                .toList();
        if (!createsEnvironments && !unknown.isEmpty()) {
            return new Verdict.EnvironmentsUnknown(unknown);
        }
        Optional<Environment> unpromoted = environments.stream()
                .filter(environment -> !mayDeployAny && !mayDeploy(environment, request))
                .findFirst();
        if (unpromoted.isPresent()) {
            return new Verdict.PromotionRequired(unpromoted.get());
        }
        board.endOverdue();
        board.grantHeads();
        return admit(snapshot, board, request, environments, unknown);
    }

    /** Whether the sha comes from where it has to come from, or is one to go back to in a hurry. */
    private static boolean mayDeploy(Environment environment, AcquireRequest request) {
        return request.foreignLock() != null
                || environment.policy().promoteFrom() == null
                || (request.details().sha() != null
                        && (request.details().sha().equals(environment.promotableSha())
                                || isRollback(environment, request)));
    }

    private static boolean isRollback(Environment environment, AcquireRequest request) {
        return request.priority() == Priority.HIGH && environment.hasSucceeded();
    }

    private static Verdict admit(
            Snapshot snapshot,
            Board board,
            AcquireRequest request,
            List<Environment> environments,
            List<EnvironmentName> unknown) {
        NewRun run = newRun(request, environments);
        if (run.approvalsRequired() > 0) {
            if (request.mode() == Mode.FAIL_FAST) {
                return new Verdict.ApprovalRequired(run.approvalsRequired());
            }
            create(board, environments);
            auditRollback(board, request, environments);
            board.add(new Change.AwaitApproval(run));
            return new Verdict.Queued(unknown);
        }
        TreeSet<LockGroup> groups = new TreeSet<>();
        environments.forEach(environment -> groups.add(environment.lockGroup()));
        Optional<HeldBack> heldBack =
                board.heldBack(request.environments(), request.priority(), request.passesFreeze());
        if (heldBack.isEmpty() && board.isFreeFor(groups, request.priority())) {
            create(board, environments);
            auditRollback(board, request, environments);
            board.auditPassage(request.environments(), null, actor(request));
            board.add(new Start(run));
            return new Verdict.Started(unknown);
        }
        if (request.mode() == Mode.FAIL_FAST) {
            return heldBack.isPresent()
                    ? new Verdict.HeldBackNow(heldBack.get())
                    : new Verdict.Held(board.inTheWay(groups, request.priority()));
        }
        boolean latestOnly = environments.stream()
                .anyMatch(environment -> environment.policy().queueMode() == QueueMode.LATEST_ONLY);
        Optional<Skip> skip = latestOnly ? Optional.empty() : skip(snapshot, board, request, run, environments);
        create(board, environments);
        if (skip.isPresent()) {
            board.add(skip.get());
            return new Verdict.Skipped(snapshot.run(skip.get().into()).orElseThrow());
        }
        auditRollback(board, request, environments);
        board.add(new Enqueue(run));
        Newcomer newcomer = Newcomer.of(request);
        if (latestOnly) {
            newcomer.supersede(snapshot, board);
        }
        newcomer.askHolderToStop(board, environments);
        return new Verdict.Queued(unknown);
    }

    private static Actor actor(AcquireRequest request) {
        return new Actor(request.caller(), request.details().reason());
    }

    private static void auditRollback(Board board, AcquireRequest request, List<Environment> environments) {
        if (request.foreignLock() != null) {
            return;
        }
        List<EnvironmentName> rolledBack = environments.stream()
                .filter(environment -> environment.policy().promoteFrom() != null)
                .filter(environment -> !Objects.equals(request.details().sha(), environment.promotableSha()))
                .map(Environment::name)
                .toList();
        if (!rolledBack.isEmpty()) {
            board.add(new Change.Audit(
                    "rollback",
                    rolledBack,
                    null,
                    actor(request),
                    Map.of(),
                    Map.of("sha", Objects.requireNonNullElse(request.details().sha(), ""))));
        }
    }

    private static NewRun newRun(AcquireRequest request, List<Environment> environments) {
        // The strictest policy of several environments counts: the shortest lease, the shortest time in the queue, the
        // most approvals.
        Duration lease =
                Objects.requireNonNullElseGet(request.lease(), () -> shortest(environments, EnvironmentPolicy::lease));
        Duration queueTimeout = Objects.requireNonNullElseGet(
                request.queueTimeout(), () -> shortest(environments, EnvironmentPolicy::queueTimeout));
        Duration maxHold = environments.stream()
                .map(environment -> environment.policy().maxHold())
                .filter(Objects::nonNull)
                .min(Comparator.naturalOrder())
                .orElse(null);
        int approvals = environments.stream()
                .mapToInt(environment -> environment.policy().approvalsRequired())
                .max()
                .orElse(0);
        return new NewRun(
                request,
                lease,
                queueTimeout,
                maxHold,
                approvals,
                shortest(environments, EnvironmentPolicy::approvalTimeout));
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
     * What a new run is skipped for: with as many pending as the threshold of any of its environments, or soon after the last one, the last
     * queued run of the same environments, repository and ref. With none there is nobody to deploy the change, and the new run is queued.
     */
    private static Optional<Skip> skip(
            Snapshot snapshot, Board board, AcquireRequest request, NewRun run, List<Environment> environments) {
        if (!request.batch() || request.priority() == Priority.HIGH) {
            return Optional.empty();
        }
        Optional<Run> cover = snapshot.run(snapshot.found().cover()).filter(board::isQueued);
        if (cover.isEmpty()) {
            return Optional.empty();
        }
        Run into = cover.get();
        boolean full = environments.stream()
                .anyMatch(environment -> environment.policy().batchThreshold() > 0
                        && board.pending(environment.lockGroup())
                                >= environment.policy().batchThreshold());
        boolean soon = environments.stream()
                .anyMatch(environment -> snapshot.at()
                        .isBefore(into.createdAt().plus(environment.policy().batchWindow())));
        if (!full && !soon) {
            return Optional.empty();
        }
        boolean covered = into.coverage() == Coverage.LATEST;
        return Optional.of(new Skip(
                run,
                into.id(),
                covered,
                full ? SkipReason.BATCH_THRESHOLD : SkipReason.BATCH_WINDOW,
                skipReason(into, full, covered)));
    }

    private static String skipReason(Run into, boolean full, boolean covered) {
        String why = full ? "enough runs are pending and run " : "shortly before, run ";
        return why
                + into.id()
                + (covered
                        ? ", queued last, will deploy this change"
                        : ", queued last, is to include this change; it is pinned to its own sha, so check that it does");
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
        String deployed =
                report.result() == Report.Result.SUCCESS && run.isDeployment() ? deployed(snapshot, run, report) : null;
        board.end(run, report.result().status(), released(run, report), report, deployed);
        ship(snapshot, board, run, report);
        // Whatever the run covered and did not deploy needs another cover.
        board.handOver(run);
        return new Verdict.Ended(run);
    }

    private static String released(Run run, Report report) {
        Grant.CancelRequest asked = run.requireGrant().cancel();
        if (!run.isDeployment()) {
            return "unlocked by its client, which does not say whether it succeeded";
        }
        return asked == null || report.result() == Report.Result.SUCCESS
                ? "released by its client"
                : "released by its client, which was asked to stop: " + asked.reason();
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

    /** What is live after a success; null when nobody named a sha. */
    private static @Nullable String deployed(Snapshot snapshot, Run run, Report report) {
        return report.deployedSha() == null ? Deploy.of(run, snapshot.batched()).sha() : report.deployedSha();
    }

    private static void ship(Snapshot snapshot, Board board, Run run, Report report) {
        if (report.result() == Report.Result.SUCCESS && run.isDeployment()) {
            List<RunId> shipped = Deploy.shipped(run, snapshot.batched(), report.deployedSha());
            board.add(new Ship(run, shipped, deployed(snapshot, run, report)));
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
            audit(board, cancel, run, RunStatus.CANCELLED.label());
            verdict = new Verdict.Ended(run);
        } else {
            CancelCause cause = cancel.admin() == null ? CancelCause.CLIENT : CancelCause.ADMIN;
            board.add(new RequestCancel(run, cause, cancel.reason()));
            audit(board, cancel, run, "cancel_requested");
            verdict = new Verdict.CancelRequested(run);
        }
        board.grantHeads();
        return verdict;
    }

    private static void audit(Board board, Transition.Cancel cancel, Run run, String became) {
        Actor admin = cancel.admin();
        if (admin != null) {
            board.add(new Change.Audit(
                    "cancelled_by_admin",
                    run.environments(),
                    run.id(),
                    admin,
                    Map.of("status", run.status().label()),
                    Map.of("status", became)));
        }
    }

    private static Verdict look(Snapshot snapshot, Board board, Transition.Look look) {
        board.endOverdue();
        board.grantHeads();
        return new Verdict.HeldBy(
                board.holderOf(snapshot.environment(look.environment()).lockGroup())
                        .orElse(null));
    }

    private static Verdict sweep(Board board) {
        board.endOverdue();
        board.grantHeads();
        return board.swept();
    }
}
