package io.lockkeeper.webhook;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long a receiver is left alone after a failure: 1 s, 2 s, 4 s and so on up to five minutes, a fifth more or less. */
final class BackOff {
    private static final Duration FIRST = Duration.ofSeconds(1);
    static final Duration LONGEST = Duration.ofMinutes(5);

    /** One that wants no events any more is asked so often whether it means it: nobody needs to switch it on again. */
    static final Duration OF_GONE = Duration.ofHours(1);

    private static final int DOUBLINGS = 9;
    private static final double JITTER = 0.2;

    private BackOff() {}

    /**
     * The pause after a failure.
     *
     * @param failures in a row, at least 1
     */
    static Duration after(int failures, Reply reply) {
        Duration doubled = FIRST.multipliedBy(1L << Math.min(failures - 1, DOUBLINGS));
        Duration usual = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
        Duration pause = reply.verdict() == Reply.Verdict.GONE ? OF_GONE : jittered(usual);
        return pause.compareTo(reply.retryAfter()) < 0 ? reply.retryAfter() : pause;
    }

    private static Duration jittered(Duration pause) {
        double factor = ThreadLocalRandom.current().nextDouble(1 - JITTER, 1 + JITTER);
        return Duration.ofMillis(Math.round(pause.toMillis() * factor));
    }
}
