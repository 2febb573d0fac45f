package io.lockkeeper.page;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Something that many want at once and that is made once for all of them: whoever asks while it is being made waits for it, and shares a failure
 * as well, so that a hundred viewers do not ask a database that is away a hundred times.
 */
final class Shared<T extends @Nullable Object> {
    private final long pace;
    private final Supplier<T> making;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean isMade;
    private long begunAt;
    private @Nullable T made;
    private @Nullable RuntimeException failure;

    /**
     * Makes nothing yet.
     *
     * @param pace the least time from the beginning of one making to that of the next
     */
    Shared(Duration pace, Supplier<T> making) {
        this.pace = pace.toNanos();
        this.making = making;
    }

    /**
     * One whose making began at or after an instant of {@link System#nanoTime}, so that it shows all that had happened by then. Waits for the pace if need
     * be.
     */
    T get(long notBefore) {
        lock.lock();
        try {
            if (!isMade || begunAt - notBefore < 0) {
                awaitPace();
                make();
            }
            return result();
        } finally {
            lock.unlock();
        }
    }

    /** One that is no older than the pace. */
    T getRecent() {
        lock.lock();
        try {
            if (!isMade || System.nanoTime() - begunAt > pace) {
                make();
            }
            return result();
        } finally {
            lock.unlock();
        }
    }

    private void awaitPace() {
        if (isMade) {
            long left = begunAt + pace - System.nanoTime();
            if (left > 0) {
                try {
                    Thread.sleep(Duration.ofNanos(left));
                } catch (InterruptedException e) {
                    // The one who asks is to end; what is made now is a little early.
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private void make() {
        begunAt = System.nanoTime();
        isMade = true;
        try {
            made = making.get();
            failure = null;
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    @SuppressWarnings("NullAway") // T may be nullable, and made is what the supplier gave.
    private T result() {
        if (failure != null) {
            throw failure;
        }
        return made;
    }
}
