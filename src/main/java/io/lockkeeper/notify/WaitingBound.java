package io.lockkeeper.notify;

/** Which of its bounds the waiting room has reached. */
public enum WaitingBound {
    /** The calls of all callers in this replica. */
    REPLICA,
    /** The calls of this caller, so that one caller leaves room for the others. */
    CALLER
}
