package io.lockkeeper.notify;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import io.lockkeeper.event.EventReader;
import io.lockkeeper.notify.EventTail.Window;
import io.lockkeeper.notify.WaitingRoom.Full;
import io.lockkeeper.notify.WaitingRoom.Place;
import io.lockkeeper.notify.WaitingRoom.Subject;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lets any number of readers follow the events, each at its own pace. */
public final class EventFeed {
    /** Events that one reader takes from the database at a time. */
    private static final int PAGE = 200;

    private final EventReader reader;
    private final EventTail tail;
    private final WaitingRoom room;

    EventFeed(EventReader reader, EventTail tail, WaitingRoom room) {
        this.reader = reader;
        this.tail = tail;
        this.room = room;
    }

    /** What a request to follow comes to. */
    public sealed interface Opening {

        /** Follow, and close when done. */
        record Open(Stream stream) implements Opening {}

        /** There is no room for one more waiting call. */
        record TooManyWaiting(WaitingBound bound) implements Opening {}
    }

    /** What comes next in a stream. */
    public sealed interface Next {

        /** The next events, oldest first; none when those up to the stream's position do not concern the environment. */
        record Events(List<Event> events) implements Next {
            public Events {
                events = List.copyOf(events);
            }
        }

        /** Nothing happened for as long as the reader would wait. */
        record Silence() implements Next {}

        /** The replica is stopping. */
        record Stopping() implements Next {}
    }

    /**
     * Begins to follow.
     *
     * @param caller the name of whoever follows
     * @param after the last event that the reader knows; null to begin with what comes from now on
     * @param environment only what concerns it; null for everything
     */
    public Opening open(String caller, @Nullable EventId after, @Nullable EnvironmentName environment)
            throws InterruptedException {
        return switch (room.enter(new Subject.OfEvents(), caller)) {
            case Full full -> new Opening.TooManyWaiting(full.bound());
            case Place place -> open(place, after, environment);
        };
    }

    private Opening open(Place place, @Nullable EventId after, @Nullable EnvironmentName environment)
            throws InterruptedException {
        try {
            EventReader.Start start = room.look(() -> reader.start(after));
            tail.attach();
            return new Opening.Open(new Stream(place, start, environment));
        } catch (InterruptedException | RuntimeException e) {
            place.close();
            throw e;
        }
    }

    /** One reader's way through the events; for one thread. */
    public final class Stream implements AutoCloseable {
        private final Place place;
        private final boolean gap;
        private final @Nullable EnvironmentName environment;
        private EventId position;

        private Stream(Place place, EventReader.Start start, @Nullable EnvironmentName environment) {
            this.place = place;
            this.gap = start.gap();
            this.environment = environment;
            this.position = start.after();
        }

        /** Whether events before the first one may be missing, since they are not kept any more. */
        public boolean beginsWithGap() {
            return gap;
        }

        /** Everything up to here has been read; another stream may go on from here, in any replica. */
        public EventId position() {
            return position;
        }

        /**
         * The next events; parks while there are none. What this replica has read of late is in memory, for a reader who keeps up; the others
         * read from the database, so that nothing waits for the slowest of them.
         */
        public Next next(Duration patience) throws InterruptedException {
            long deadline = System.nanoTime() + patience.toNanos();
            Window window = tail.window();
            while (window == null || window.upTo().compareTo(position) <= 0) {
                if (!place.await(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())), null)) {
                    return room.isClosed() ? new Next.Stopping() : new Next.Silence();
                }
                window = tail.window();
            }
            if (room.isClosed()) {
                return new Next.Stopping();
            }
            if (window.covers(position)) {
                return new Next.Events(remembered(window));
            }
            EventId after = position;
            EventReader.Page page = room.look(() -> reader.page(after, environment, PAGE));
            position = page.upTo();
            return new Next.Events(page.events());
        }

        private List<Event> remembered(Window window) {
            EventId after = position;
            position = window.upTo();
            return window.events().stream()
                    .filter(event -> event.id().compareTo(after) > 0)
                    .filter(event -> environment == null || event.concerns(environment))
                    .toList();
        }

        @Override
        public void close() {
            tail.detach();
            place.close();
        }
    }
}
