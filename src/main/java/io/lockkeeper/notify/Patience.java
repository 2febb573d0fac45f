package io.lockkeeper.notify;

import java.time.Duration;

/**
 * How long a call may park, and on whose account.
 *
 * @param caller the name of whoever makes the call
 * @param limit zero for an answer at once
 */
public record Patience(String caller, Duration limit) {

    /** An answer at once takes nobody's place. */
    public static final Patience NONE = new Patience("", Duration.ZERO);

    public Patience {
        if (limit.isNegative()) {
            throw new IllegalArgumentException("A call cannot end before it begins");
        }
    }

    boolean isNone() {
        return limit.isZero();
    }
}
