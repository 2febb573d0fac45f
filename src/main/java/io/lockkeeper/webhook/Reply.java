package io.lockkeeper.webhook;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What became of one attempt.
 *
 * @param status the receiver's status code; null when it did not answer
 * @param detail a sentence for people, without anything of the answer's body
 * @param retryAfter how long the receiver asks to be left alone; zero when it does not
 * @param excerpt how the answer's body begins, for the one who tests; on one line
 */
record Reply(Verdict verdict, @Nullable Integer status, String detail, Duration retryAfter, String excerpt) {

    enum Verdict {
        /** 2xx. */
        DELIVERED,
        /** 400, 413 or 422: the receiver was reached, works, and does not want this event. */
        REFUSED,
        /** 410: it does not want anything any more. */
        GONE,
        /** Anything else: the same event may well be taken later. */
        FAILED
    }
}
