package io.lockkeeper.notify;

import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import io.lockkeeper.event.EventReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Reads the newest events once for all streams of this replica, while there are any, and keeps the last ones. It looks when it is rung and
 * otherwise once a second: not every change rings, and an event can only be read when all older transactions are over.
 */
final class EventTail implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventTail.class);

    /** Events that are kept in memory, a few hundred bytes each. Who is further behind than these reads from the database. */
    static final int KEPT = 500;

    /** How late an event is at most that nobody rang for. */
    private static final Duration RECHECK = Duration.ofSeconds(1);

    /** Looks are at least this far apart, however often it is rung; what gathers meanwhile is read together. */
    private static final Duration LEAST_PAUSE = Duration.ofMillis(20);

    private final EventReader reader;
    private final WaitingRoom room;
    private final Thread thread;
    private int followers;
    private boolean rung;
    private boolean closed;
    private @Nullable Window window;
    private boolean failing;
    private Duration retry = LEAST_PAUSE;

    EventTail(EventReader reader, WaitingRoom room) {
        this.reader = reader;
        this.room = room;
        this.thread = Thread.ofPlatform().daemon().name("lockkeeper-events").unstarted(this::run);
    }

    /**
     * All events after one place and up to another.
     *
     * @param events at most {@link #KEPT}
     */
    record Window(EventId after, EventId upTo, List<Event> events) {
        Window {
            events = List.copyOf(events);
        }

        boolean covers(EventId place) {
            return after.compareTo(place) <= 0;
        }

        private Window extendedBy(EventReader.Page page) {
            if (page.events().isEmpty()) {
                return new Window(after, page.upTo(), events);
            }
            List<Event> all = new ArrayList<>(events);
            all.addAll(page.events());
            int tooMany = all.size() - KEPT;
            return tooMany <= 0
                    ? new Window(after, page.upTo(), all)
                    : new Window(all.get(tooMany - 1).id(), page.upTo(), all.subList(tooMany, all.size()));
        }
    }

    void start() {
        thread.start();
    }

    /** Somebody follows along now. */
    synchronized void attach() {
        followers++;
        ring();
    }

    synchronized void detach() {
        followers--;
        if (followers == 0) {
            window = null;
        }
    }

    /** Something may have happened. */
    synchronized void ring() {
        rung = true;
        notifyAll();
    }

    /** What has been read of late; null until the first look. */
    synchronized @Nullable Window window() {
        return window;
    }

    private void run() {
        Duration pause = Duration.ZERO;
        try {
            while (awaitTurn(pause)) {
                pause = look();
                Thread.sleep(LEAST_PAUSE);
            }
        } catch (InterruptedException e) {
            LOG.debug("The reader of events was interrupted.");
        }
    }

    /** Waits until rung or until the pause is over, and in any case until there is a follower; false when closed. */
    private synchronized boolean awaitTurn(Duration pause) throws InterruptedException {
        long deadline = System.nanoTime() + pause.toNanos();
        while (!closed) {
            long left = deadline - System.nanoTime();
            if (followers == 0) {
                wait();
            } else if (rung || left <= 0) {
                rung = false;
                return true;
            } else {
                wait(Math.max(1, Duration.ofNanos(left).toMillis()));
            }
        }
        return false;
    }

    /** Reads once and rings those who follow if there is news; answers how long to wait for a ring before the next look. */
    private Duration look() {
        try {
            Window last = window();
            if (last == null) {
                EventId now = reader.start(null).after();
                publish(null, new Window(now, now, List.of()));
                room.ringEvents(); // Those who resume may have something to read already.
                return Duration.ZERO;
            }
            EventReader.Page page = reader.page(last.upTo(), null, KEPT);
            publish(last, last.extendedBy(page));
            recovered();
            if (!page.events().isEmpty()) {
                room.ringEvents();
            }
            if (!page.moreToCome() || !page.events().isEmpty()) {
                retry = LEAST_PAUSE;
            }
            if (page.events().size() == KEPT) {
                return Duration.ZERO;
            }
            return page.moreToCome() ? nextRetry() : RECHECK;
        } catch (DataAccessException e) {
            if (!failing) {
                failing = true;
                LOG.warn("The events cannot be read; they reach those who follow along later: {}", e.getMessage());
            }
        } catch (Throwable e) {
            // A defect, or no memory for a moment. What left here would end the thread without a word.
            LOG.error("The reader of events failed.", e);
        }
        return RECHECK;
    }

    /** Not when the last follower has gone meanwhile: the next one begins anew, and not with all that happened in between. */
    @SuppressWarnings(
            "ReferenceEquality") // The very window that was extended: an equal one would do, and take longer to
    // compare.
    private synchronized void publish(@Nullable Window last, Window next) {
        if (window == last && followers > 0) {
            window = next;
        }
    }

    private void recovered() {
        if (failing) {
            failing = false;
            LOG.info("The events can be read again.");
        }
    }

    /** Most transactions are over in milliseconds, some take minutes. */
    private Duration nextRetry() {
        Duration pause = retry;
        retry = RECHECK.compareTo(pause.multipliedBy(2)) < 0 ? RECHECK : pause.multipliedBy(2);
        return pause;
    }

    /** Waits until the look that is under way is over, so that the database is not taken away from it. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
