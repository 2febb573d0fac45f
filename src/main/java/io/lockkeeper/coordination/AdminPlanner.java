package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.Audit;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.FreezeWindow;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Quarantine;
import io.lockkeeper.environment.QueueMode;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The part of the {@link Planner} that is about what people do beside deploying. Every plan that changes something says so in the audit trail. */
final class AdminPlanner {
    /** How long the second of two admins has to ask for the same forced release. */
    static final Duration CONFIRMATION_TIME = Duration.ofMinutes(15);

    /** Characters of a reason that stands in for the second admin. */
    static final int SHORTEST_EXPLANATION = 10;

    private AdminPlanner() {}

    static Verdict setPolicy(Snapshot snapshot, Board board, Transition.SetPolicy set) {
        Environment before = snapshot.environment(set.environment());
        if (before.declaredIn() == DeclaredIn.CONFIGURATION && !set.byConfiguration()) {
            return new Verdict.DeclaredInConfiguration();
        }
        board.endOverdue();
        LockGroup from = before.lockGroup();
        boolean moves = before.known() && !from.equals(set.lockGroup());
        Optional<Run> holder = moves ? holderIn(board, before) : Optional.empty();
        if (holder.isPresent() && !set.byConfiguration()) {
            return new Verdict.GroupIsHeld(holder.get());
        }
        if (!before.known()) {
            board.add(new Change.CreateEnvironment(before));
        }
        // What the configuration says comes into force, but for the group that its holder has locked; it moves when
        // that run has ended.
        LockGroup to = holder.isPresent() ? from : set.lockGroup();
        board.add(new Change.SetPolicy(set, to, holder.isPresent() ? set.lockGroup() : null));
        if (before.known() && !from.equals(to)) {
            board.add(new Change.MoveClaims(set.environment(), from, to));
        }
        Map<String, String> was = describe(before.lockGroup(), before.policy());
        Map<String, String> becomes = describe(to, set.policy());
        Map<String, String> changedFrom = new LinkedHashMap<>(was);
        changedFrom.entrySet().removeAll(becomes.entrySet());
        Map<String, String> changedTo = new LinkedHashMap<>(becomes);
        changedTo.entrySet().removeAll(was.entrySet());
        if (!changedTo.isEmpty() || before.declaredIn() != set.declaredIn()) {
            board.add(
                    new Audit("policy_changed", List.of(set.environment()), null, set.actor(), changedFrom, changedTo));
        }
        return holder.<Verdict>map(Verdict.GroupIsHeld::new).orElseGet(Verdict.EnvironmentChanged::new);
    }

    private static Optional<Run> holderIn(Board board, Environment environment) {
        return board.holderOf(environment.lockGroup())
                .filter(run -> run.environments().contains(environment.name()));
    }

    /** An environment goes where the configuration has declared it to be, as soon as nobody holds its lock. */
    static Verdict move(Snapshot snapshot, Board board, Transition.MoveEnvironment move) {
        Environment environment = snapshot.environment(move.environment());
        LockGroup from = environment.lockGroup();
        if (!move.to().equals(environment.nextLockGroup())) {
            return new Verdict.EnvironmentChanged();
        }
        board.endOverdue();
        Optional<Run> holder = holderIn(board, environment);
        if (holder.isPresent()) {
            return new Verdict.GroupIsHeld(holder.get());
        }
        board.add(new Change.SetLockGroup(move.environment(), move.to()));
        board.add(new Change.MoveClaims(move.environment(), from, move.to()));
        board.add(new Audit(
                "policy_changed",
                List.of(move.environment()),
                null,
                move.actor(),
                Map.of("lock_group", from.name()),
                Map.of("lock_group", move.to().name())));
        return new Verdict.EnvironmentChanged();
    }

    static Verdict freeze(Snapshot snapshot, Board board, Transition.FreezeEnvironment freeze) {
        if (!freeze.end().isPossible(snapshot.at())) {
            return new Verdict.FreezeEndImpossible();
        }
        Environment environment = snapshot.environment(freeze.environment());
        Instant until = freeze.end().from(snapshot.at());
        create(board, environment);
        board.add(new Change.SetFreeze(
                freeze.environment(),
                Objects.requireNonNullElse(freeze.actor().reason(), ""),
                until,
                freeze.actor().name()));
        board.add(new Audit(
                "frozen",
                List.of(freeze.environment()),
                null,
                freeze.actor(),
                describe(environment.frozen()),
                until == null ? Map.of() : Map.of("until", until.toString())));
        return new Verdict.EnvironmentChanged();
    }

    static Verdict unfreeze(Snapshot snapshot, Board board, Transition.Unfreeze unfreeze) {
        Environment environment = snapshot.environment(unfreeze.environment());
        if (environment.frozen() == null) {
            return new Verdict.NotFrozen();
        }
        board.add(new Change.LiftFreeze(unfreeze.environment()));
        board.add(new Audit(
                "unfrozen",
                List.of(unfreeze.environment()),
                null,
                unfreeze.actor(),
                describe(environment.frozen()),
                Map.of()));
        return new Verdict.EnvironmentChanged();
    }

    static Verdict acknowledge(Snapshot snapshot, Board board, Transition.Acknowledge acknowledge) {
        Quarantine quarantine = snapshot.environment(acknowledge.environment()).quarantine();
        if (quarantine == null) {
            return new Verdict.NotQuarantined();
        }
        board.add(new Change.EndQuarantine(acknowledge.environment()));
        board.add(new Audit(
                "acknowledged",
                List.of(acknowledge.environment()),
                quarantine.run() == null ? null : new RunId(quarantine.run()),
                acknowledge.actor(),
                Map.of("quarantine", quarantine.reason()),
                Map.of()));
        return new Verdict.EnvironmentChanged();
    }

    static Verdict forceRelease(Snapshot snapshot, Board board, Transition.ForceRelease force) {
        Environment environment = snapshot.environment(force.environment());
        board.endOverdue();
        Optional<Run> held = board.holderOf(environment.lockGroup());
        if (held.isEmpty()) {
            board.grantHeads();
            return new Verdict.NotHeld();
        }
        Run holder = held.get();
        Grant grant = holder.requireGrant();
        if (!grant.fencingToken().equals(force.fencingToken())) {
            return new Verdict.HolderChanged(holder);
        }
        if (board.lacksLocksOf(holder)) {
            return new Verdict.HolderChanged(holder);
        }
        if (!holder.environments().stream().allMatch(force.isAdminOf())) {
            return new Verdict.NotAdminOfHolder(holder);
        }
        boolean isAlive = snapshot.at()
                .isBefore(holder.lastContactAt().plus(holder.lease().dividedBy(2)));
        if (isAlive && !force.evenIfAlive()) {
            return new Verdict.HolderAlive(holder);
        }
        String reason = Objects.requireNonNullElse(force.actor().reason(), "");
        boolean isExplained = force.evenIfAlive() && reason.strip().length() >= SHORTEST_EXPLANATION;
        // The lock may be asked for under the name of another environment that shares it: it is the deployment that is
        // protected.
        boolean isProtected = environment.policy().isProtected()
                || holder.environments().stream()
                        .map(snapshot::environment)
                        .anyMatch(place -> place.policy().isProtected());
        if (isProtected && !isExplained && !isSeconded(snapshot, force)) {
            board.add(new Change.RequestForceRelease(force));
            board.add(new Audit(
                    "force_release_requested",
                    List.of(force.environment()),
                    holder.id(),
                    force.actor(),
                    Map.of(),
                    Map.of("fencing_token", force.fencingToken().toString())));
            return new Verdict.SecondAdminNeeded(holder);
        }
        board.end(
                holder,
                RunStatus.PREEMPTED,
                "force-released by " + force.actor().name() + ": " + reason,
                null);
        board.handOver(holder);
        board.add(new Audit(
                "force_released_by_admin",
                holder.environments(),
                holder.id(),
                force.actor(),
                Map.of(
                        "status", holder.status().label(),
                        "fencing_token", force.fencingToken().toString(),
                        "last_contact", holder.lastContactAt().toString()),
                Map.of("status", RunStatus.PREEMPTED.label(), "even_if_alive", Boolean.toString(force.evenIfAlive()))));
        board.grantHeads();
        return new Verdict.Ended(holder);
    }

    private static boolean isSeconded(Snapshot snapshot, Transition.ForceRelease force) {
        Snapshot.ForceReleaseRequest asked = snapshot.forceReleaseRequest();
        return asked != null
                && asked.fencingToken().equals(force.fencingToken())
                && !asked.by().equals(force.actor().name())
                && snapshot.at().isBefore(asked.expiresAt());
    }

    static Verdict approve(Snapshot snapshot, Board board, Transition.Approve approve) {
        Optional<Verdict> refused = refuse(snapshot, board, approve.run(), approve.isAdmin(), approve.actor(), true);
        if (refused.isPresent()) {
            return refused.get();
        }
        Run run = snapshot.run(approve.run()).orElseThrow();
        if (run.approvals().contains(approve.actor().name())) {
            return new Verdict.Approved(run, run.approvals().size());
        }
        int given = run.approvals().size() + 1;
        board.add(new Change.Approve(run, approve.actor()));
        board.add(new Audit(
                "approved",
                run.environments(),
                run.id(),
                approve.actor(),
                Map.of("approvals", Integer.toString(given - 1)),
                Map.of("approvals", given + " of " + run.approvalsRequired())));
        if (given >= run.approvalsRequired()) {
            admit(snapshot, board, run);
            board.grantHeads();
        }
        return new Verdict.Approved(run, given);
    }

    /** The approved run joins the queue with all that an acquire without approvals would do there. */
    private static void admit(Snapshot snapshot, Board board, Run run) {
        List<Environment> environments =
                run.environments().stream().map(snapshot::environment).toList();
        boolean latestOnly = environments.stream()
                .anyMatch(environment -> environment.policy().queueMode() == QueueMode.LATEST_ONLY);
        Newcomer newcomer = Newcomer.of(run);
        Optional<Run> newer = latestOnly ? newcomer.supersededAlready(snapshot, board) : Optional.empty();
        if (newer.isPresent()) {
            board.supersede(run, newer.get());
            return;
        }
        board.admit(run);
        if (latestOnly) {
            newcomer.supersede(snapshot, board);
        }
        newcomer.askHolderToStop(board, environments);
    }

    static Verdict reject(Snapshot snapshot, Board board, Transition.Reject reject) {
        Optional<Verdict> refused = refuse(snapshot, board, reject.run(), reject.isAdmin(), reject.actor(), false);
        if (refused.isPresent()) {
            return refused.get();
        }
        Run run = snapshot.run(reject.run()).orElseThrow();
        board.end(
                run,
                RunStatus.REJECTED,
                "rejected by " + reject.actor().name() + ": " + reject.actor().reason(),
                null);
        board.add(new Audit(
                "rejected_by",
                run.environments(),
                run.id(),
                reject.actor(),
                Map.of("status", run.status().label()),
                Map.of("status", RunStatus.REJECTED.label())));
        return new Verdict.Ended(run);
    }

    /**
     * Why somebody may not decide about a run; empty when they may.
     *
     * @param approves nobody approves their own run, though everybody may reject it who may approve others
     */
    private static Optional<Verdict> refuse(
            Snapshot snapshot, Board board, RunId id, boolean isAdmin, Actor actor, boolean approves) {
        Optional<Run> found = snapshot.run(id);
        if (found.isEmpty()) {
            return Optional.of(new Verdict.RunUnknown());
        }
        Run run = found.get();
        board.endOverdue();
        if (run.status() != RunStatus.AWAITING_APPROVAL || board.hasEnded(run)) {
            return Optional.of(new Verdict.NotWaiting(run));
        }
        if (approves && run.caller().equals(actor.name())) {
            return Optional.of(new Verdict.OwnRun(run));
        }
        List<EnvironmentPolicy> requiring = run.environments().stream()
                .map(snapshot::environment)
                .map(Environment::policy)
                .filter(policy -> policy.approvalsRequired() > 0)
                .toList();
        // A policy that has changed meanwhile may require nobody's approval any more. The run still waits for one, of
        // an admin.
        boolean isNamed = !requiring.isEmpty()
                && requiring.stream().allMatch(policy -> policy.approvers().contains(actor.name()));
        return isAdmin || isNamed ? Optional.empty() : Optional.of(new Verdict.NotAnApprover(run));
    }

    static Verdict prioritize(Snapshot snapshot, Board board, Transition.Prioritize prioritize) {
        Optional<Run> found = snapshot.run(prioritize.run());
        if (found.isEmpty()) {
            return new Verdict.RunUnknown();
        }
        Run run = found.get();
        board.endOverdue();
        if (!run.status().isWaiting() || board.hasEnded(run)) {
            return new Verdict.NotWaiting(run);
        }
        if (run.priority() == Priority.HIGH && (run.passesFreeze() || !prioritize.passesFreeze())) {
            return new Verdict.Prioritized(run);
        }
        board.prioritize(run, prioritize.passesFreeze());
        board.add(new Audit(
                "prioritized",
                run.environments(),
                run.id(),
                prioritize.actor(),
                Map.of("priority", run.priority().label()),
                Map.of(
                        "priority", Priority.HIGH.label(),
                        "passes_freeze", Boolean.toString(run.passesFreeze() || prioritize.passesFreeze()))));
        return new Verdict.Prioritized(run);
    }

    private static void create(Board board, Environment environment) {
        if (!environment.known()) {
            board.add(new Change.CreateEnvironment(environment));
        }
    }

    private static Map<String, String> describe(@Nullable Freeze freeze) {
        if (freeze == null) {
            return Map.of();
        }
        Instant until = freeze.until();
        return until == null
                ? Map.of("reason", freeze.reason())
                : Map.of("reason", freeze.reason(), "until", until.toString());
    }

    /** The policy as the audit trail shows it. */
    private static Map<String, String> describe(LockGroup group, EnvironmentPolicy policy) {
        Map<String, String> all = new TreeMap<>();
        all.put("lock_group", group.name());
        all.put("lease_seconds", seconds(policy.lease()));
        all.put("queue_timeout_seconds", seconds(policy.queueTimeout()));
        all.put("max_hold_seconds", policy.maxHold() == null ? "" : seconds(policy.maxHold()));
        all.put("batch_threshold", Integer.toString(policy.batchThreshold()));
        all.put("batch_window_seconds", seconds(policy.batchWindow()));
        all.put("queue_mode", policy.queueMode().label());
        all.put("cancel_in_progress", Boolean.toString(policy.cancelInProgress()));
        all.put("approvals_required", Integer.toString(policy.approvalsRequired()));
        all.put("approvers", String.join(", ", policy.approvers()));
        all.put("approval_timeout_seconds", seconds(policy.approvalTimeout()));
        all.put(
                "promote_from",
                policy.promoteFrom() == null ? "" : policy.promoteFrom().value());
        all.put("on_failure", policy.onFailure().label());
        all.put("health_url", Objects.requireNonNullElse(policy.healthUrl(), ""));
        all.put("protected", Boolean.toString(policy.isProtected()));
        all.put(
                "freeze_windows",
                String.join(
                        "; ",
                        policy.freezeWindows().stream()
                                .map(AdminPlanner::describe)
                                .toList()));
        return all;
    }

    private static String describe(FreezeWindow window) {
        return window.cron() + " " + window.timeZone() + " for " + seconds(window.duration()) + " s: "
                + window.reason();
    }

    private static String seconds(Duration duration) {
        return Long.toString(duration.toSeconds());
    }
}
