package io.lockkeeper.coordination;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * When a freeze lifts itself: at an instant, after a time by the database's clock, or never when neither is given.
 *
 * @param until null with {@code after}, or for never
 */
public record FreezeEnd(@Nullable Instant until, @Nullable Duration after) {
    /** Longer is a slip: a freeze without an end is lifted by somebody. */
    public static final Duration LONGEST = Duration.ofDays(365);

    /** Whether it lies ahead, and not too far. */
    boolean isPossible(Instant at) {
        Instant end = from(at);
        return end == null || (end.isAfter(at) && !end.isAfter(at.plus(LONGEST)));
    }

    @Nullable
    Instant from(Instant at) {
        return after == null ? until : at.plus(after);
    }
}
