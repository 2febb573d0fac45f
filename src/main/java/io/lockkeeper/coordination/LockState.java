package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import org.jspecify.annotations.Nullable;

/**
 * A lock group as anybody may see it.
 *
 * @param lastFencingToken of its newest grant, which may have ended; null before the first
 * @param holder null when the lock is free, also when only nobody has noticed yet that the lease is over
 * @param holderFencingToken of the grant that holds now, null with the holder
 */
public record LockState(
        LockGroup group,
        @Nullable FencingToken lastFencingToken,
        Blocker.@Nullable Holder holder,
        @Nullable FencingToken holderFencingToken) {

    public boolean isHeld() {
        return holder != null;
    }
}
