package io.lockkeeper.coordination;

import java.time.Duration;

/**
 * How long the queue believes in clients that say nothing (invariant 10).
 *
 * @param presence a queued run whose client has not asked for this long is abandoned
 * @param pickUp a grant that its client has not noticed for this long lapses
 */
public record QueueTiming(Duration presence, Duration pickUp) {
    public QueueTiming {
        if (presence.toSeconds() < 1 || pickUp.toSeconds() < 1) {
            throw new IllegalArgumentException("presence and pick-up time are at least a second");
        }
    }
}
