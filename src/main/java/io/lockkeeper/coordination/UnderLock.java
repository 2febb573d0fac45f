package io.lockkeeper.coordination;

import java.sql.Connection;
import java.time.Instant;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Shows that its bearer runs within a transition, whose locks keep all other transitions out of its groups, and lets it write in the same
 * transaction. Only a transition hands one out, and it is worth nothing once that is over. Whoever has it holds up everybody who waits for
 * the groups: no slow work.
 */
public final class UnderLock {
    private final Connection connection;
    private final Instant at;

    UnderLock(Connection connection, Instant at) {
        this.connection = connection;
        this.at = at;
    }

    /** Statements of the transition's transaction. Leave its end to the transition. */
    public JdbcClient jdbc() {
        return JdbcClient.create(new SingleConnectionDataSource(connection, true));
    }

    /** The transition's one instant, by the database's clock. */
    public Instant at() {
        return at;
    }
}
