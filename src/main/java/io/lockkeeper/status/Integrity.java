package io.lockkeeper.status;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Looks for rows that break an invariant. Reads everything there is, so it is for people and tests and not for a probe. */
@Component
public class Integrity {
    /** How many violations one answer lists. */
    static final int LISTED = 100;

    private static final String CHECK = StatusReader.load("integrity.sql");

    private final JdbcClient jdbc;

    Integrity(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * One broken invariant.
     *
     * @param invariant its number in the design
     * @param detail which rows break it, and how
     */
    public record Violation(int invariant, String detail) {}

    /** What is broken now; empty when everything holds. */
    public List<Violation> violations() {
        return jdbc.sql(CHECK)
                .param("limit", LISTED)
                .query((row, number) -> new Violation(row.getInt("invariant"), row.getString("violation")))
                .list();
    }
}
