package io.lockkeeper.environment;

import java.util.Locale;

/** What a failed or lost deployment does to its environment. */
public enum OnFailure {
    /** Nothing: the next run has its turn. */
    CONTINUE,
    /** Only runs of high priority pass until somebody acknowledges it. */
    QUARANTINE;

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
