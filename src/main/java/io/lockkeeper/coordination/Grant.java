package io.lockkeeper.coordination;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run's hold of its lock groups.
 *
 * @param pickedUpAt when the client learned of it, null until then: an unclaimed grant has only the pick-up time to live
 * @param expiresAt when the lease ends by the database's clock; the lock is held while it is earlier than this
 * @param cancel why the holder is asked to stop; null while it is not
 * @param holdExpiresAt when it has held the lock for as long as the policy allows and is asked to stop; null for no limit
 * @param holdEndsAt when it ends then though it heartbeats
 */
public record Grant(
        FencingToken fencingToken,
        Instant at,
        @Nullable Instant pickedUpAt,
        Instant expiresAt,
        @Nullable CancelRequest cancel,
        @Nullable Instant holdExpiresAt,
        @Nullable Instant holdEndsAt) {

    /** The holder is asked to stop. */
    public record CancelRequest(CancelCause cause, @Nullable String reason) {}

    public boolean cancelRequested() {
        return cancel != null;
    }
}
