package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Change.End;
import io.lockkeeper.coordination.Change.GrantQueued;
import io.lockkeeper.coordination.Change.HandOver;
import io.lockkeeper.coordination.Snapshot.Successor;
import io.lockkeeper.environment.LockGroup;
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
    private final Map<LockGroup, Integer> pending;
    /**
     * Groups whose full window has lost a run, so that behind its last one there may be others that were not read. If none of the window is
     * left, the next run is not known; the sweeper finds it.
     */
    private final Set<LockGroup> unread = new TreeSet<>();

    private final List<Change> changes = new ArrayList<>();
    private final Set<LockGroup> missing = new TreeSet<>();
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
            queues.put(group, window(group));
        }
    }

    /**
     * The first queued runs of a group without a gap. Others in the snapshot, such as the request's own run far behind, must not look like
     * the next one when those before them were not read.
     */
    private NavigableSet<Run> window(LockGroup group) {
        NavigableSet<Run> window = new TreeSet<>(Run.QUEUE_ORDER);
        for (Run run : snapshot.runs().values()) {
            if (run.lockGroups().contains(group)) {
                if (run.status() == RunStatus.IN_PROGRESS) {
                    holders.put(group, run);
                } else if (run.status() == RunStatus.QUEUED) {
                    window.add(run);
                }
            }
        }
        while (window.size() > Snapshot.WINDOW) {
            window.pollLast();
        }
        return window;
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
        if (run.awaitsPickUp()) {
            end(
                    run,
                    RunStatus.ABANDONED,
                    "nobody picked the grant up within " + seconds(timing.pickUp())
                            + "; keep waiting on the run until it is granted",
                    null);
        } else if (run.status() == RunStatus.IN_PROGRESS) {
            end(run, RunStatus.EXPIRED, "its lease of " + seconds(run.lease()) + " ran out without a heartbeat", null);
        } else if (isQueueTimeout(run)) {
            Duration waited = Duration.between(run.createdAt(), Objects.requireNonNull(run.queueExpiresAt()));
            end(run, RunStatus.TIMED_OUT, "it was not granted within its queue time-out of " + seconds(waited), null);
        } else {
            end(run, RunStatus.ABANDONED, "its client had not asked for it for " + seconds(timing.presence()), null);
        }
        handOver(run);
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
        changes.add(new End(run, status, reason, report));
        endedHere.add(run.id());
        for (LockGroup group : run.lockGroups()) {
            pending.merge(group, -1, Integer::sum);
            if (run.status() == RunStatus.IN_PROGRESS) {
                holders.remove(group);
            } else {
                NavigableSet<Run> queue = queueOf(group);
                boolean wasFull = queue.size() >= Snapshot.WINDOW;
                queue.remove(run);
                if (wasFull && queue.size() < Snapshot.WINDOW) {
                    unread.add(group);
                }
            }
        }
        moved(run);
    }

    /** Finds a new cover for what the run covered, now that it has ended without deploying it. */
    void handOver(Run run) {
        Successor successor = snapshot.covers().get(run.id());
        if (successor != null) {
            changes.add(new HandOver(run.id(), snapshot.heardClients() ? successor.heard() : successor.any()));
        }
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

    /** The run that is next in a free group, null when there is none or the group is held. */
    private @Nullable Run headOf(LockGroup group) {
        if (holders.containsKey(group)) {
            return null;
        }
        NavigableSet<Run> queue = queueOf(group);
        return queue.isEmpty() ? null : queue.first();
    }

    private boolean nextIsUnknown(LockGroup group) {
        return unread.contains(group) && queueOf(group).isEmpty();
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
        changes.add(new GrantQueued(run));
        granted++;
        for (LockGroup group : run.lockGroups()) {
            queueOf(group).remove(run);
            holders.put(group, run);
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
        return inTheWay(groups, priority).isEmpty() && groups.stream().noneMatch(this::nextIsUnknown);
    }

    /** Who keeps a run that comes now from its groups: holders first, then the queued runs ahead as far as they were read. */
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
                if (queued.priority().compareTo(priority) <= 0) {
                    found.add(queued);
                }
            }
        }
        return List.copyOf(found);
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
        return new Plan.Decided(changes, verdict, new Wake(moved, groupsMoved, waitingRunChanged));
    }
}
