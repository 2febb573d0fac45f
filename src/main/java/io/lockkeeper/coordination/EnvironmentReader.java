package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Reads environments with their policy, and what holds grants back in them. */
public final class EnvironmentReader {
    private static final String ENVIRONMENTS = Sql.text("environments.sql");

    private final JdbcClient jdbc;

    public EnvironmentReader(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The database's clock, by which freezes are told. */
    public Instant now() {
        return jdbc.sql("SELECT statement_timestamp()")
                .query(OffsetDateTime.class)
                .single()
                .toInstant();
    }

    /** All of them, by name. */
    public List<Environment> list() {
        return jdbc.sql(ENVIRONMENTS)
                .param("names", null, Types.ARRAY)
                .param("groups", null, Types.ARRAY)
                .query((row, number) -> EnvironmentRows.read(row))
                .list();
    }

    /** One of them; empty when it does not exist. */
    public Optional<Environment> find(EnvironmentName name) {
        return jdbc.sql(ENVIRONMENTS)
                .param("names", new String[] {name.value()})
                .param("groups", null, Types.ARRAY)
                .query((row, number) -> EnvironmentRows.read(row))
                .optional();
    }

    /** Those that share a lock, by name. */
    public List<Environment> sharing(LockGroup group) {
        return jdbc.sql(ENVIRONMENTS)
                .param("names", null, Types.ARRAY)
                .param("groups", new String[] {group.name()})
                .query((row, number) -> EnvironmentRows.read(row))
                .list();
    }
}
