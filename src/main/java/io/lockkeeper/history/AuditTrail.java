package io.lockkeeper.history;

import io.lockkeeper.environment.EnvironmentName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Reads the audit trail, page by page, newest first. */
@Component
public class AuditTrail {
    /** How many entries one call looks at for the filters. */
    public static final int SEARCHED = 5_000;

    private static final String AUDIT = Rows.load("audit.sql");

    private final JdbcClient jdbc;

    public AuditTrail(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Which entries are wanted; null is all of them.
     *
     * @param environment one of those that the entry is about
     */
    public record Filter(
            @Nullable EnvironmentName environment,
            @Nullable String actor,
            @Nullable String action) {
        public static final Filter ALL = new Filter(null, null, null);
    }

    /**
     * One page.
     *
     * @param before the page begins with the entry before this one; null: with the newest
     * @param limit how many entries it has at most
     * @param visible whether the caller may see an entry
     */
    public Page<AuditEntry> page(Filter filter, @Nullable Long before, int limit, Predicate<AuditEntry> visible) {
        EnvironmentName environment = filter.environment();
        return jdbc.sql(AUDIT)
                .param("environment", environment == null ? null : environment.value())
                .param("actor", filter.actor())
                .param("action", filter.action())
                .param("before", Objects.requireNonNullElse(before, PageReading.NEWEST))
                .param("window", SEARCHED)
                .param("limit", limit)
                .query(new PageReading<>(limit, (row, number) -> read(row), visible));
    }

    private static AuditEntry read(ResultSet row) throws SQLException {
        return new AuditEntry(
                row.getLong("id"),
                Rows.instant(row, "at"),
                row.getString("actor"),
                row.getString("action"),
                Rows.strings(row, "environments"),
                row.getObject("run_id", Long.class),
                row.getString("reason"),
                row.getString("before"),
                row.getString("after"));
    }
}
