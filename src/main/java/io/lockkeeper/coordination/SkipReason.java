package io.lockkeeper.coordination;

import java.util.Locale;

/** Why a run was skipped. */
public enum SkipReason {
    /** As many runs are pending as the policy's {@code batch_threshold}. */
    BATCH_THRESHOLD,
    /** The covering run was queued less than the policy's {@code batch_window_seconds} ago. */
    BATCH_WINDOW;

    /** The name used in the database and on the wire. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static SkipReason of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
