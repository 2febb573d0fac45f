package io.lockkeeper.environment;

import java.util.Locale;

/** What a new run does to the queued ones that it covers: those of the same environments, repository and ref. */
public enum QueueMode {
    /** Nothing: each has its turn. */
    FIFO,
    /** They end as superseded. */
    LATEST_ONLY;

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
