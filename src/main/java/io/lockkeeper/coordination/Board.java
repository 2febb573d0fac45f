package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.End;
import io.lockkeeper.coordination.Change.GrantQueued;
import io.lockkeeper.coordination.Change.HandOver;
import io.lockkeeper.coordination.Change.RequestCancel;
import io.lockkeeper.coordination.Change.Supersede;
import io.lockkeeper.coordination.Snapshot.Successor;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.OnFailure;
import io.lockkeeper.environment.Quarantine;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The locks and queues as they are while a plan is being made: it starts as the snapshot, and each move changes both the board and the list
 * of changes to execute. Lives for one plan; knows the rules of the queue and nothing about requests.
 */
final class Board {
    private final Snapshot snapshot;
    private final QueueTiming timing;
    private final Map<LockGroup, Run> holders = new TreeMap<>();
    private final Map<LockGroup, NavigableSet<Run>> queues = new TreeMap<>();
    /** The last queued run of a group that is known without a gap before it; absent when all are known. */
    private final Map<LockGroup, Run> horizons = new TreeMap<>();

    private final Map<LockGroup, Integer> pending;
    private final List<Change> changes = new ArrayList<>();
    private final Set<LockGroup> missing = new TreeSet<>();
    private boolean needsMore;
    private final Map<EnvironmentName, Quarantine> quarantined = new TreeMap<>();
    private final Set<RunId> moved = new LinkedHashSet<>();
    private final Set<LockGroup> groupsMoved = new TreeSet<>();
    private final Set<RunId> endedHere = new HashSet<>();
    private boolean waitingRunChanged;
    private int granted;

    Board(Snapshot snapshot, QueueTiming timing) {
        this.snapshot = snapshot;
        this.timing = timing;
        this.pending = new TreeMap<>(snapshot.pending());
        for (LockGroup group : snapshot.locked()) {
            queues.put(group, new TreeSet<>(Run.QUEUE_ORDER));
        }
        for (Run run : snapshot.runs().values()) {
            if (run.status() == RunStatus.IN_PROGRESS) {
                run.lockGroups().forEach(group -> holders.put(group, run));
            }
        }
        snapshot.environments().values().forEach(this::readQueue);
    }

    /**
     * The first queued runs of an environment without a gap. Others in the snapshot, such as the request's own run far behind, must not look
     * like the next one when those before them were not read.
     */
    private void readQueue(Environment environment) {
        NavigableSet<Run> first = new TreeSet<>(Run.QUEUE_ORDER);
        for (Run run : snapshot.runs().values()) {
            if (run.status() == RunStatus.QUEUED && run.environments().contains(environment.name())) {
                first.add(run);
            }
        }
        boolean mayHaveMore = first.size() >= snapshot.window();
        while (first.size() > snapshot.window()) {
            first.pollLast();
        }
        for (Run run : first) {
            run.lockGroups().stream()
                    .filter(queues::containsKey)
                    .forEach(group -> queueOf(group).add(run));
        }
        NavigableSet<Run> queue = queues.get(environment.lockGroup());
        if (mayHaveMore && queue != null) {
            Run last = first.last();
            // Behind a run of normal priority there are only such, and a freeze or quarantine holds all of them back.
            boolean allHeldBack = last.priority() == Priority.NORMAL
                    && heldBack(environment, Priority.NORMAL, false).isPresent();
            if (!allHeldBack) {
                horizons.merge(environment.lockGroup(), last, (a, b) -> Run.QUEUE_ORDER.compare(a, b) <= 0 ? a : b);
            }
        }
    }

    /** Ends every run whose time has come, oldest deadline first. */
    void endOverdue() {
        List<Run> overdue = snapshot.runs().values().stream()
                .filter(run -> run.isOverdue(snapshot.at()))
                .filter(run -> snapshot.heardClients() || !isAboutPresence(run))
                .sorted(Comparator.comparing(Run::deadlineAt, Comparator.nullsLast(Comparator.naturalOrder())))
                .toList();
        for (Run run : overdue) {
            if (!snapshot.holdsLocksOf(run.lockGroups())) {
                missing.addAll(run.lockGroups());
                continue;
            }
            endOverdue(run);
        }
    }

    private void endOverdue(Run run) {
        Grant grant = run.grant();
        Instant holdEnds = grant == null ? null : grant.holdEndsAt();
        if (run.status() == RunStatus.AWAITING_APPROVAL) {
            end(run, RunStatus.TIMED_OUT, "it was not approved in time", null);
        } else if (run.status() == RunStatus.IN_PROGRESS && isDue(holdEnds)) {
            end(
                    run,
                    RunStatus.EXPIRED,
                    "it held the lock for longer than max_hold_seconds and did not stop when it was asked to",
                    null);
        } else if (run.status() == RunStatus.IN_PROGRESS && grant != null && !isDue(grant.expiresAt())) {
            add(new RequestCancel(
                    run, CancelCause.MAX_HOLD, "it has held the lock for as long as max_hold_seconds allows"));
            return;
        } else if (run.awaitsPickUp()) {
            end(
                    run,
                    RunStatus.ABANDONED,
                    "nobody picked the grant up within " + seconds(presence(run, timing.pickUp()))
                            + "; keep waiting on the run until it is granted",
                    null);
        } else if (run.status() == RunStatus.IN_PROGRESS) {
            end(run, RunStatus.EXPIRED, "its lease of " + seconds(run.lease()) + " ran out without a heartbeat", null);
        } else if (isQueueTimeout(run)) {
            Duration waited = Duration.between(run.createdAt(), Objects.requireNonNull(run.queueExpiresAt()));
            // After an approval its time began later than the run.
            String timeout = run.approvalsRequired() > 0 ? "" : " of " + seconds(waited);
            end(run, RunStatus.TIMED_OUT, "it was not granted within its queue time-out" + timeout, null);
        } else {
            end(
                    run,
                    RunStatus.ABANDONED,
                    "its client had not asked for it for " + seconds(presence(run, timing.presence())),
                    null);
        }
        handOver(run);
    }

    /** How long its client could say nothing. */
    private static Duration presence(Run run, Duration usual) {
        ForeignLock foreign = run.foreignLock();
        return foreign == null ? usual : foreign.presence();
    }

    private boolean isDue(@Nullable Instant instant) {
        return instant != null && !snapshot.at().isBefore(instant);
    }

    /** Whether the run is overdue only because its client was not heard. */
    private boolean isAboutPresence(Run run) {
        return run.awaitsPickUp() || (run.status() == RunStatus.QUEUED && !isQueueTimeout(run));
    }

    private boolean isQueueTimeout(Run run) {
        Instant expires = run.queueExpiresAt();
        return run.status() == RunStatus.QUEUED
                && expires != null
                && !snapshot.at().isBefore(expires);
    }

    private static String seconds(Duration duration) {
        return duration.toSeconds() + " seconds";
    }

    void end(Run run, RunStatus status, String reason, @Nullable Report report) {
        end(run, status, reason, report, null);
    }

    void end(Run run, RunStatus status, String reason, @Nullable Report report, @Nullable String shippedSha) {
        changes.add(new End(run, status, reason, report, shippedSha));
        gone(run);
        quarantineAfter(run, status, reason);
    }

    /** Gives way to the run that this plan inserts, or to {@code by}. */
    void supersede(Run run, @Nullable Run by) {
        changes.add(new Supersede(run, by == null ? null : by.id()));
        gone(run);
    }

    private void gone(Run run) {
        endedHere.add(run.id());
        for (LockGroup group : run.lockGroups()) {
            if (run.status() == RunStatus.IN_PROGRESS) {
                pending.merge(group, -1, Integer::sum);
                holders.remove(group);
            } else if (run.status() == RunStatus.QUEUED) {
                pending.merge(group, -1, Integer::sum);
                queueOf(group).remove(run);
            }
        }
        moved(run);
    }

    /** After a failed or lost deployment only runs of high priority pass, where the policy says so. */
    private void quarantineAfter(Run run, RunStatus status, String reason) {
        boolean wentWrong = status == RunStatus.FAILURE || status == RunStatus.EXPIRED || status == RunStatus.PREEMPTED;
        if (!wentWrong || run.status() != RunStatus.IN_PROGRESS) {
            return;
        }
        for (EnvironmentName name : run.environments()) {
            Environment environment = snapshot.environments().get(name);
            if (environment != null
                    && environment.policy().onFailure() == OnFailure.QUARANTINE
                    && quarantineOf(environment).isEmpty()) {
                String why = "run " + run.id() + " ended as " + status.label() + ": " + reason;
                changes.add(new Change.Quarantine(name, run.id(), why));
                add(new Change.Audit(
                        "quarantined", List.of(name), run.id(), new Actor("lockkeeper", why), Map.of(), Map.of()));
                quarantined.put(name, new Quarantine(snapshot.at(), run.id().value(), why));
            }
        }
    }

    private Optional<Quarantine> quarantineOf(Environment environment) {
        return Optional.ofNullable(quarantined.getOrDefault(environment.name(), environment.quarantine()));
    }

    private Optional<HeldBack> heldBack(Environment environment, Priority priority, boolean passesFreeze) {
        Optional<Freeze> freeze = environment.freezeAt(snapshot.at());
        if (freeze.isPresent() && !passesFreeze) {
            return Optional.of(new HeldBack.ByFreeze(environment.name(), freeze.get()));
        }
        return priority == Priority.HIGH
                ? Optional.empty()
                : quarantineOf(environment)
                        .map(quarantine -> new HeldBack.ByQuarantine(environment.name(), quarantine));
    }

    /** What keeps a run with these environments from being granted, whoever holds the locks. */
    Optional<HeldBack> heldBack(List<EnvironmentName> environments, Priority priority, boolean passesFreeze) {
        return environments.stream()
                .map(snapshot.environments()::get)
                .filter(Objects::nonNull)
                .flatMap(environment -> heldBack(environment, priority, passesFreeze).stream())
                .findFirst();
    }

    private boolean isHeldBack(Run run) {
        return heldBack(run.environments(), run.priority(), run.passesFreeze()).isPresent();
    }

    /** Finds a new cover for what the run covered, now that it has ended without deploying it. */
    void handOver(Run run) {
        Successor successor = snapshot.covers().get(run.id());
        if (successor != null) {
            RunId to = snapshot.heardClients() ? successor.heard() : successor.any();
            changes.add(new HandOver(run.id(), to == null || endedHere.contains(to) ? null : to));
        }
    }

    /** Whether the run is in groups that this plan may not touch; then the plan is made again with their locks. */
    boolean lacksLocksOf(Run run) {
        missing.addAll(run.lockGroups());
        return !snapshot.holdsLocksOf(run.lockGroups());
    }

    /**
     * Grants what can be granted. Only the first of a queue can be: nothing overtakes it, also when it waits for another of its groups
     * (invariants 3 and 4).
     */
    void grantHeads() {
        boolean progress = true;
        while (progress) {
            progress = false;
            for (LockGroup group : snapshot.locked()) {
                Run head = headOf(group);
                if (head != null && canBeGranted(head)) {
                    grant(head);
                    progress = true;
                }
            }
        }
    }

    /** The run that is next in a free group, null when there is none or the group is held. Runs that are held back are passed over. */
    private @Nullable Run headOf(LockGroup group) {
        if (holders.containsKey(group)) {
            return null;
        }
        Run horizon = horizons.get(group);
        for (Run run : queueOf(group)) {
            if (horizon != null && Run.QUEUE_ORDER.compare(run, horizon) > 0) {
                break;
            }
            if (!isHeldBack(run)) {
                return run;
            }
        }
        if (horizon != null && snapshot.window() < Snapshot.WIDEST_WINDOW) {
            needsMore = true;
        }
        return null;
    }

    private boolean canBeGranted(Run head) {
        if (!snapshot.holdsLocksOf(head.lockGroups())) {
            missing.addAll(head.lockGroups());
            return false;
        }
        for (LockGroup group : head.lockGroups()) {
            Run first = headOf(group);
            if (first == null || !first.id().equals(head.id())) {
                return false;
            }
        }
        return true;
    }

    private void grant(Run run) {
        auditPassage(run);
        changes.add(new GrantQueued(run, maxHold(run.environments())));
        granted++;
        for (LockGroup group : run.lockGroups()) {
            queueOf(group).remove(run);
            holders.put(group, run);
        }
        moved(run);
    }

    /** Whoever passes a freeze is remembered for it. */
    private void auditPassage(Run run) {
        auditPassage(
                run.environments(),
                run.id(),
                new Actor(run.caller(), run.details().reason()));
    }

    /** The same for a run that has no number yet. */
    void auditPassage(List<EnvironmentName> environments, @Nullable RunId run, Actor actor) {
        List<EnvironmentName> frozen = environments.stream()
                .filter(name -> {
                    Environment environment = snapshot.environments().get(name);
                    return environment != null
                            && environment.freezeAt(snapshot.at()).isPresent();
                })
                .toList();
        if (!frozen.isEmpty()) {
            add(new Change.Audit("freeze_passed", frozen, run, actor, Map.of(), Map.of()));
        }
    }

    /** The shortest limit of several environments; null when none has one. */
    private @Nullable Duration maxHold(List<EnvironmentName> environments) {
        return environments.stream()
                .map(snapshot.environments()::get)
                .filter(Objects::nonNull)
                .map(environment -> environment.policy().maxHold())
                .filter(Objects::nonNull)
                .min(Comparator.naturalOrder())
                .orElse(null);
    }

    /** A run that waited for something else joins the queue. */
    void admit(Run run) {
        changes.add(new Change.Admit(run));
        for (LockGroup group : run.lockGroups()) {
            pending.merge(group, 1, Integer::sum);
            queueOf(group).add(run);
        }
        moved(run);
    }

    /** Moves a queued run to the front. */
    void prioritize(Run run, boolean passesFreeze) {
        changes.add(new Change.Prioritize(run, passesFreeze));
        if (run.status() == RunStatus.QUEUED) {
            for (LockGroup group : run.lockGroups()) {
                queueOf(group).remove(run);
                queueOf(group).add(run.prioritized(passesFreeze));
            }
        }
        moved(run);
    }

    private void moved(Run run) {
        moved.add(run.id());
        groupsMoved.addAll(run.lockGroups());
        waitingRunChanged |= run.status().isWaiting();
    }

    private NavigableSet<Run> queueOf(LockGroup group) {
        NavigableSet<Run> queue = queues.get(group);
        if (queue == null) {
            throw new IllegalStateException("lock group " + group + " is not locked");
        }
        return queue;
    }

    /** Whether a run that comes now would hold these groups at once: all of them free and nobody ahead. */
    boolean isFreeFor(Collection<LockGroup> groups, Priority priority) {
        return inTheWay(groups, priority).isEmpty();
    }

    /**
     * Who keeps a run that comes now from its groups: holders first, then the queued runs ahead as far as they were read. Those that are held
     * back are in nobody's way.
     */
    List<Run> inTheWay(Collection<LockGroup> groups, Priority priority) {
        Set<Run> found = new LinkedHashSet<>();
        for (LockGroup group : groups) {
            Run holder = holders.get(group);
            if (holder != null) {
                found.add(holder);
            }
        }
        for (LockGroup group : groups) {
            for (Run queued : queueOf(group)) {
                if (queued.priority().compareTo(priority) <= 0 && !isHeldBack(queued)) {
                    found.add(queued);
                }
            }
        }
        return List.copyOf(found);
    }

    Optional<Run> holderOf(LockGroup group) {
        return Optional.ofNullable(holders.get(group));
    }

    boolean hasEnded(Run run) {
        return run.status().hasEnded() || endedHere.contains(run.id());
    }

    boolean isQueued(Run run) {
        return run.status() == RunStatus.QUEUED && !moved.contains(run.id());
    }

    int pending(LockGroup group) {
        return pending.getOrDefault(group, 0);
    }

    @Nullable
    Run holderInsteadOf(Run run) {
        for (LockGroup group : run.lockGroups()) {
            Run holder = holders.get(group);
            if (holder != null && !holder.id().equals(run.id())) {
                return holder;
            }
        }
        return null;
    }

    void add(Change change) {
        changes.add(change);
    }

    Verdict swept() {
        return new Verdict.Swept(snapshot.locked(), endedHere.size(), granted);
    }

    Plan finish(Verdict verdict) {
        missing.removeAll(snapshot.locked());
        if (!missing.isEmpty()) {
            return new Plan.NeedsLocks(missing);
        }
        if (needsMore) {
            return new Plan.NeedsMore();
        }
        return new Plan.Decided(changes, verdict, new Wake(moved, groupsMoved, waitingRunChanged));
    }
}
