package io.lockkeeper.coordination;

import java.util.Locale;

/** Where a run is in its life; see the diagram of this package. */
public enum RunStatus {
    AWAITING_APPROVAL,
    QUEUED,
    IN_PROGRESS,
    SUCCESS,
    FAILURE,
    CANCELLED,
    TIMED_OUT,
    ABANDONED,
    EXPIRED,
    PREEMPTED,
    REJECTED,
    SUPERSEDED,
    SKIPPED;

    /** The name used in the database and on the wire. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    static RunStatus of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }

    /** Not decided yet: a client that waits keeps waiting. */
    public boolean isWaiting() {
        return this == QUEUED || this == AWAITING_APPROVAL;
    }

    /** An ended run never changes status again (invariant 9). */
    public boolean hasEnded() {
        return !isWaiting() && this != IN_PROGRESS;
    }
}
