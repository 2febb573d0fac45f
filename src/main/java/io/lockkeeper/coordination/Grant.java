package io.lockkeeper.coordination;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run's hold of its lock groups.
 *
 * @param pickedUpAt when the client learned of it, null until then: an unclaimed grant has only the pick-up time to live
 * @param expiresAt when the lease ends by the database's clock; the lock is held while it is earlier than this
 * @param cancelRequested the holder is asked to stop
 */
public record Grant(
        FencingToken fencingToken,
        Instant at,
        @Nullable Instant pickedUpAt,
        Instant expiresAt,
        boolean cancelRequested) {}
