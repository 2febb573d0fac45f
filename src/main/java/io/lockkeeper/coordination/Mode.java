package io.lockkeeper.coordination;

/** What an acquire wants when the lock is not free. */
public enum Mode {
    WAIT,
    FAIL_FAST
}
