package io.lockkeeper.notify;

import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The calls that are parked in this replica. Bounded; safe for any number of threads. */
public final class WaitingRoom {

    /** What a call waits for a change of. */
    sealed interface Subject {
        record OfRun(RunId run) implements Subject {}

        record OfGroup(LockGroup group) implements Subject {}

        /** Every event. */
        record OfEvents() implements Subject {}
    }

    /** What a call that would park comes to. */
    sealed interface Entry permits Place, Full {}

    /** There is no place for it. */
    record Full(WaitingBound bound) implements Entry {}

    /**
     * How many of the calls may use the database at a time. Thousands that are rung at once stand in line here, where nothing times out, and
     * leave the other connections to acquires, heartbeats and releases.
     */
    private static final int LOOKING_AT_ONCE = 4;

    private final int capacity;
    private final int share;
    private final Semaphore looking = new Semaphore(LOOKING_AT_ONCE, true);
    private final AtomicInteger inside = new AtomicInteger();
    private final Map<String, Integer> insideByCaller = new ConcurrentHashMap<>();
    private final Map<Subject, Set<Place>> places = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * Makes an empty room.
     *
     * @param capacity how many calls may wait at once
     * @param share how many of them may be one caller's
     */
    public WaitingRoom(int capacity, int share) {
        this.capacity = capacity;
        this.share = share;
    }

    /**
     * A place in the room, unless it is full. Take it before looking at the row, so that no change falls between.
     *
     * @param caller on whose account the call waits
     */
    Entry enter(Subject subject, String caller) {
        if (inside.incrementAndGet() > capacity) {
            inside.decrementAndGet();
            return new Full(WaitingBound.REPLICA);
        }
        if (insideByCaller.merge(caller, 1, Integer::sum) > share) {
            leave(caller);
            return new Full(WaitingBound.CALLER);
        }
        Place place = new Place(subject, caller);
        places.compute(subject, (key, others) -> {
            Set<Place> all = others == null ? ConcurrentHashMap.newKeySet(1) : others;
            all.add(place);
            return all;
        });
        return place;
    }

    private void leave(String caller) {
        insideByCaller.computeIfPresent(caller, (key, calls) -> calls == 1 ? null : calls - 1);
        inside.decrementAndGet();
    }

    /** Looks at the database when it is this call's turn. */
    <T> T look(Supplier<T> glance) throws InterruptedException {
        looking.acquire();
        try {
            return glance.get();
        } finally {
            looking.release();
        }
    }

    void ring(Collection<RunId> runs, Collection<LockGroup> groups) {
        runs.forEach(run -> ring(new Subject.OfRun(run)));
        groups.forEach(group -> ring(new Subject.OfGroup(group)));
    }

    /** There are new events in memory. */
    void ringEvents() {
        ring(new Subject.OfEvents());
    }

    private void ring(Subject subject) {
        places.getOrDefault(subject, Set.of()).forEach(Place::ring);
    }

    /** The runs that are waited for, each with what its calls have seen, which need not be the same. */
    Map<RunId, Set<RunStatus>> runs() {
        Map<RunId, Set<RunStatus>> seen = new HashMap<>();
        places.forEach((subject, here) -> {
            if (subject instanceof Subject.OfRun of) {
                for (Place place : here) {
                    RunStatus status = place.seen;
                    if (status != null) {
                        seen.computeIfAbsent(of.run(), run -> EnumSet.noneOf(RunStatus.class))
                                .add(status);
                    }
                }
            }
        });
        return seen;
    }

    Set<LockGroup> groups() {
        Set<LockGroup> groups = new HashSet<>();
        places.keySet().forEach(subject -> {
            if (subject instanceof Subject.OfGroup of) {
                groups.add(of.group());
            }
        });
        return groups;
    }

    /** How many calls wait now. */
    public int occupancy() {
        return inside.get();
    }

    /** How many callers have one. */
    int callers() {
        return insideByCaller.size();
    }

    /** The replica is stopping: every call is answered at once, and no new one parks. */
    void close() {
        closed = true;
        places.values().forEach(here -> here.forEach(Place::ring));
    }

    boolean isClosed() {
        return closed;
    }

    /** One parked call. */
    final class Place implements Entry, AutoCloseable {
        private final Subject subject;
        private final String caller;
        private final Semaphore rung = new Semaphore(0);
        private volatile @Nullable RunStatus seen;

        private Place(Subject subject, String caller) {
            this.subject = subject;
            this.caller = caller;
        }

        private void ring() {
            rung.release();
        }

        /**
         * Parks until rung.
         *
         * @param status what the call has seen, so that a re-check can tell whether it missed something; null for anything but a run
         * @return false when the time is up or the replica is stopping
         */
        boolean await(Duration patience, @Nullable RunStatus status) throws InterruptedException {
            seen = status;
            if (closed || !rung.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                return false;
            }
            rung.drainPermits();
            return !closed;
        }

        @Override
        public void close() {
            places.computeIfPresent(subject, (key, all) -> {
                all.remove(this);
                return all.isEmpty() ? null : all;
            });
            leave(caller);
        }
    }
}
