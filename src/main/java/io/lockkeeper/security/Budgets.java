package io.lockkeeper.security;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What each of many clients may still ask for: a token bucket for each, as one number. A budget that was not touched for a while is full
 * again and is what a new one would be, so the map forgets the one that was used least recently when it has as many as it takes. Safe for
 * any number of threads.
 *
 * <p>The number is the instant at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371): each request moves it
 * by the time in which one request accrues, and it may lie ahead of the clock by as much as the burst.
 */
final class Budgets<K> {

    /** Whoever is charged without being asked is in debt at most for so long. */
    private static final Duration LONGEST_DEBT = Duration.ofMinutes(1);

    private final long interval;
    private final long burst;
    private final LongSupplier clock;
    private final Map<K, Long> fullAt;

    /**
     * Makes budgets that are all full.
     *
     * @param perSecond how many requests accrue, above zero
     * @param burst how many may come at once, above zero
     * @param capacity how many clients to remember
     * @param clock nanoseconds of any origin, such as {@link System#nanoTime}
     */
    Budgets(int perSecond, int burst, int capacity, LongSupplier clock) {
        this.interval = Duration.ofSeconds(1).toNanos() / perSecond;
        this.burst = burst * interval;
        this.clock = clock;
        this.fullAt = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, Long> eldest) {
                return size() > capacity;
            }
        };
    }

    /** Takes one request from the client's budget and answers zero; when it is empty, takes nothing and answers how long to wait. */
    Duration take(K client) {
        long now = clock.getAsLong();
        synchronized (fullAt) {
            long full = fullAt(client, now) + interval;
            if (full - now > burst) {
                return Duration.ofNanos(full - now - burst);
            }
            fullAt.put(client, full);
            return Duration.ZERO;
        }
    }

    /** What {@link #take} would answer, without taking. */
    Duration wait(K client) {
        long now = clock.getAsLong();
        synchronized (fullAt) {
            return Duration.ofNanos(Math.max(0, fullAt(client, now) + interval - now - burst));
        }
    }

    /** Takes one request that was carried out already, whatever is left. */
    void charge(K client) {
        long now = clock.getAsLong();
        synchronized (fullAt) {
            long ahead = Math.min(fullAt(client, now) - now + interval, burst + LONGEST_DEBT.toNanos());
            fullAt.put(client, now + ahead);
        }
    }

    /** How many clients it remembers. */
    int size() {
        synchronized (fullAt) {
            return fullAt.size();
        }
    }

    private long fullAt(K client, long now) {
        @Nullable Long full = fullAt.get(client);
        // Compared as nanoTime wants it, by the difference.
        return full == null || full - now < 0 ? now : full;
    }
}
