package io.lockkeeper.coordination;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a queued run stands. With several lock groups it is the worst of them that counts.
 *
 * @param position 1 is next
 * @param queueLength pending runs, the running one included
 * @param blockers every reason why it is not granted yet
 * @param eta an estimate of the time until it is granted; null when there is no history to tell from
 */
public record Standing(
        int position,
        int queueLength,
        List<Blocker> blockers,
        @Nullable Duration eta) {
    /** How many of the runs ahead are named. */
    public static final int AHEAD_SHOWN = 10;
}
