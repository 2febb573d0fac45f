package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Reads locks. */
public final class LockReader {
    private static final String LOCK = """
            SELECT e.lock_group,
                   nullif(g.last_fencing_token, 0) AS last_fencing_token,
                   holder.id AS holder_id,
                   holder.fencing_token,
                   holder.environments,
                   holder.user_name,
                   holder.title,
                   holder.granted_at,
                   holder.run_url
            FROM environment e
            JOIN lock_group g ON g.name = e.lock_group
            LEFT JOIN claim h ON h.lock_group = e.lock_group AND h.status = 'in_progress'
            LEFT JOIN run holder ON holder.id = h.run_id AND holder.lease_expires_at > statement_timestamp()
            WHERE e.name = :environment""";

    private final JdbcClient jdbc;

    public LockReader(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The lock of an environment; empty when no run has named the environment yet. */
    public Optional<LockState> find(EnvironmentName environment) {
        return jdbc.sql(LOCK)
                .param("environment", environment.value())
                .query((row, number) -> {
                    LockGroup group = new LockGroup(row.getString("lock_group"));
                    RunId holder = RunRows.runIdOrNull(row, "holder_id");
                    return new LockState(
                            group,
                            tokenOrNull(row.getObject("last_fencing_token", Long.class)),
                            holder == null
                                    ? null
                                    : new Blocker.Holder(
                                            group,
                                            holder,
                                            RunRows.environments(row, "environments"),
                                            row.getString("user_name"),
                                            row.getString("title"),
                                            RunRows.instant(row, "granted_at"),
                                            row.getString("run_url")),
                            tokenOrNull(row.getObject("fencing_token", Long.class)));
                })
                .optional();
    }

    private static @Nullable FencingToken tokenOrNull(@Nullable Long value) {
        return value == null ? null : new FencingToken(value);
    }
}
