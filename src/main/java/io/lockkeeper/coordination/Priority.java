package io.lockkeeper.coordination;

import java.util.Locale;

/** The order of the queue: the lower rank is served first. The rank is what the database sorts by. */
public enum Priority {
    /** For a rollback or hotfix: served first and never skipped. */
    HIGH(0),
    NORMAL(1);

    private final int rank;

    Priority(int rank) {
        this.rank = rank;
    }

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    int rank() {
        return rank;
    }

    static Priority ofRank(int rank) {
        return rank == 0 ? HIGH : NORMAL;
    }
}
