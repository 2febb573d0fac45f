package io.lockkeeper.coordination;

import java.time.Duration;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Estimates when runs of a lock group have their turn, from how long deployments usually hold it. */
public final class WaitEstimate {
    private final @Nullable Double usualHoldSeconds;
    private final @Nullable Duration heldFor;

    /**
     * @param usualHoldSeconds see the function {@code usual_hold_seconds} of the database; null when there is no history to tell from
     * @param heldFor since when the holder has had the lock; null when it is free
     */
    public WaitEstimate(@Nullable Double usualHoldSeconds, @Nullable Duration heldFor) {
        this.usualHoldSeconds = usualHoldSeconds;
        this.heldFor = heldFor;
    }

    /**
     * Seconds until a run is granted behind {@code ahead} queued ones: what is left of the holder's usual time, and a usual time for each run
     * ahead. Empty when nobody can tell.
     */
    public OptionalLong secondsBehind(int ahead) {
        if (usualHoldSeconds == null) {
            return heldFor == null && ahead == 0 ? OptionalLong.of(0) : OptionalLong.empty();
        }
        double left = heldFor == null ? 0 : Math.max(0, usualHoldSeconds - heldFor.toSeconds());
        return OptionalLong.of(Math.round(left + usualHoldSeconds * ahead));
    }
}
