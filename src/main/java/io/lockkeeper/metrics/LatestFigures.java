package io.lockkeeper.metrics;

import io.lockkeeper.coordination.Figures;
import io.micrometer.core.instrument.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The figures as they were last read. Whoever wants fresh ones asks; one read at a time is under way, and none begins while the last attempt is
 * younger than the cache time. A database that does not answer therefore costs each scrape a moment and the service one connection.
 */
final class LatestFigures {
    private static final Logger LOG = LoggerFactory.getLogger(LatestFigures.class);

    /** Scrapers commonly give up after ten seconds; what does not depend on the database is to reach them. */
    static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Older figures say nothing any more. */
    static final Duration STALE = Duration.ofSeconds(30);

    private final Supplier<List<Figures>> reader;
    private final Duration cache;
    private final Clock clock;
    private CompletableFuture<Void> attempt = CompletableFuture.completedFuture(null);
    private long attemptedAt;
    private boolean attempted;
    private boolean failing;
    private volatile @Nullable Read last;

    /**
     * What was read.
     *
     * @param at when the read began, by this JVM's monotonic clock
     */
    record Read(List<Figures> figures, long at) {}

    LatestFigures(Supplier<List<Figures>> reader, Duration cache, Clock clock) {
        this.reader = reader;
        this.cache = cache;
        this.clock = clock;
    }

    /** Reads if need be, and waits for it, but not for long. */
    void refresh() {
        CompletableFuture<Void> underWay = attempt();
        try {
            underWay.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            // The scrape goes on with what there is.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private synchronized CompletableFuture<Void> attempt() {
        long now = clock.monotonicTime();
        if (attempt.isDone() && (!attempted || now - attemptedAt >= cache.toNanos())) {
            attempted = true;
            attemptedAt = now;
            attempt = CompletableFuture.runAsync(
                    () -> read(now),
                    task -> Thread.ofVirtual().name("lockkeeper-metrics").start(task));
        }
        return attempt;
    }

    private void read(long now) {
        try {
            last = new Read(reader.get(), now);
            if (failing) {
                failing = false;
                LOG.info("The metrics are read from the database again.");
            }
        } catch (RuntimeException e) {
            if (!failing) {
                failing = true;
                LOG.warn("The metrics cannot be read from the database; its gauges are NaN soon: {}", e.getMessage());
            }
        }
    }

    /** Null before the first time. */
    @Nullable
    Read last() {
        return last;
    }

    boolean isStale() {
        Read read = last;
        return read == null || clock.monotonicTime() - read.at() > STALE.toNanos() + cache.toNanos();
    }
}
