package io.lockkeeper.coordination;

import java.util.Locale;

/** Why a holder is asked to stop. */
public enum CancelCause {
    /** Whoever has its lock token asked. */
    CLIENT,
    ADMIN,
    /** A newer run of the same environments, repository and ref waits, and the policy is {@code cancel_in_progress}. */
    NEWER,
    /** It has held the lock for the policy's {@code max_hold_seconds}. */
    MAX_HOLD;

    /** The name used in the database and on the wire. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static CancelCause of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
