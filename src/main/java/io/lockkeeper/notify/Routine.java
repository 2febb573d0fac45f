package io.lockkeeper.notify;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/** Something done again and again, a fixed time after it was last done. A fault is said once, and so is the recovery. */
public final class Routine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Routine.class);
    /**
     * The lifecycle phase of what goes on beside the requests: begun before the web server is open, and ended when it is closed, so that no request
     * waits for the end of these. (The web server is two steps of 1,024 below the default.)
     */
    public static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private static final Duration LAST_ROUND = Duration.ofSeconds(5);

    private final String name;
    private final Duration pause;
    private final Runnable task;
    private final ScheduledExecutorService executor;
    private @Nullable ScheduledFuture<?> schedule;
    private boolean failing;

    /**
     * Makes a routine that is not started yet.
     *
     * @param name for people, as in "The sweeper failed"
     */
    public Routine(String name, Duration pause, Runnable task) {
        this.name = name;
        this.pause = pause;
        this.task = task;
        this.executor = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("lockkeeper-" + name).factory());
    }

    /** Does it for the first time at once. */
    public void start() {
        schedule = executor.scheduleWithFixedDelay(this::runOnce, 0, pause.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void runOnce() {
        try {
            task.run();
            if (failing) {
                failing = false;
                LOG.info("The {} works again.", name);
            }
        } catch (DataAccessException | TransactionException e) {
            if (!failing) {
                failing = true;
                LOG.warn("The {} failed and is tried again every {} ms: {}", name, pause.toMillis(), e.getMessage());
            }
        } catch (Throwable e) {
            // A defect, or no memory for a moment. What left here would end the schedule without a word.
            LOG.error("The {} failed.", name, e);
        }
    }

    /** Starts nothing new and waits for what is under way, so that the database is not taken away from it. */
    @Override
    public void close() {
        if (schedule != null) {
            schedule.cancel(false);
        }
        executor.shutdown();
        try {
            if (!executor.awaitTermination(LAST_ROUND.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("The {} did not stop within {} seconds.", name, LAST_ROUND.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
