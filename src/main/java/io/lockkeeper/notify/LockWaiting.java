package io.lockkeeper.notify;

import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.coordination.LockState;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.notify.WaitingRoom.Full;
import io.lockkeeper.notify.WaitingRoom.Place;
import io.lockkeeper.notify.WaitingRoom.Subject;
import java.time.Duration;
import java.util.Optional;

/** Answers about a lock, now or when it is free. */
public final class LockWaiting {
    private final LockReader reader;
    private final WaitingRoom room;

    public LockWaiting(LockReader reader, WaitingRoom room) {
        this.reader = reader;
        this.room = room;
    }

    /** What a look at a lock comes to. */
    public sealed interface Outcome {

        /** The lock as it is now. */
        record Answer(LockState lock) implements Outcome {}

        /** No run has named the environment yet. */
        record Unknown() implements Outcome {}

        /** There is no room for one more waiting call. */
        record TooManyWaiting(WaitingBound bound) implements Outcome {}
    }

    /**
     * Looks at an environment's lock, and waits while it is held.
     */
    public Outcome await(EnvironmentName environment, Patience patience) throws InterruptedException {
        Optional<LockState> lock = reader.find(environment);
        if (lock.isEmpty()) {
            return new Outcome.Unknown();
        }
        if (patience.isNone() || !lock.get().isHeld()) {
            return new Outcome.Answer(lock.get());
        }
        long deadline = System.nanoTime() + patience.limit().toNanos();
        return switch (room.enter(new Subject.OfGroup(lock.get().group()), patience.caller())) {
            case Full full -> new Outcome.TooManyWaiting(full.bound());
            case Place entered -> {
                try (Place place = entered) {
                    yield awaitFree(environment, place, deadline);
                }
            }
        };
    }

    private Outcome awaitFree(EnvironmentName environment, Place place, long deadline) throws InterruptedException {
        Optional<LockState> lock = room.look(() -> reader.find(environment));
        while (lock.isPresent()
                && lock.get().isHeld()
                && place.await(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())), null)) {
            lock = room.look(() -> reader.find(environment));
        }
        return lock.<Outcome>map(Outcome.Answer::new).orElseGet(Outcome.Unknown::new);
    }
}
