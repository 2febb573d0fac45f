package io.lockkeeper.coordination;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * Runs transactions whose commit travels with their last statements, which Spring's own transactions send by itself: an uncontended
 * acquire or release costs two round trips, one to lock and read, one to write and commit.
 */
final class Transactions {
    /** Statements get their snapshots one by one only at this level; the server's default may be another. */
    private static final ParsedSql READ_COMMITTED = Sql.parse("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");

    /**
     * Waiting for a lock is bounded, and so is the time in which a replica may say nothing while it holds some: one that was frozen between two
     * round trips, or is gone without a farewell, must not stop the others. What a client is told is on disk, whatever the server's default
     * (invariant 7).
     */
    private static final ParsedSql SETTINGS = Sql.parse("""
            SELECT set_config('lock_timeout', '10s', true),
                   set_config('idle_in_transaction_session_timeout', '5s', true),
                   CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                        THEN set_config('synchronous_commit', 'on', true) END""");

    /**
     * Plans are made once for each connection and not for each execution, which would take longer than the execution. Such a plan outlives
     * the table sizes it was made for, and one made while the tables are small would read them whole for up to a minute of growth (a plan
     * of an empty database took 150 ms for a snapshot among 200,000 runs; with these settings it takes 1 ms). So its shape is laid down:
     * every search goes through an index that suits it, run by run.
     */
    private static final ParsedSql PLANS = Sql.parse("""
            SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
                   set_config('enable_seqscan', 'off', true),
                   set_config('enable_hashjoin', 'off', true),
                   set_config('enable_mergejoin', 'off', true),
                   -- What is pending is in memory; with the default a sort of the whole queue can look cheaper than its index.
                   set_config('random_page_cost', '1.1', true),
                   -- Before PostgreSQL 18 a table that has no index for the search makes such a plan look worth compiling.
                   set_config('jit', 'off', true)""");

    /** The body of a transaction. It commits by sending {@link Sql#COMMIT} in its last round trip; if it returns without, nothing happened. */
    @FunctionalInterface
    interface Body<T> {
        T run(Connection connection) throws SQLException;
    }

    private final JdbcTemplate jdbc;

    Transactions(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    <T> T run(Body<T> body) {
        T result = jdbc.execute((Connection connection) -> {
            connection.setAutoCommit(false);
            try {
                T value = body.run(connection);
                connection.rollback(); // Sends nothing once committed.
                connection.setAutoCommit(true);
                return value;
            } catch (SQLException | RuntimeException e) {
                abort(connection, e);
                throw e;
            }
        });
        if (result == null) {
            throw new IllegalStateException("a transaction has a result");
        }
        return result;
    }

    private static void abort(Connection connection, Exception cause) {
        try {
            connection.rollback();
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            cause.addSuppressed(e); // The pool drops a connection that is beyond use.
        }
    }

    /** The beginning of every transition. */
    static RoundTrip begin() {
        return new RoundTrip()
                .add(READ_COMMITTED, Map.of(), RoundTrip.IGNORE)
                .add(SETTINGS, Map.of(), RoundTrip.IGNORE)
                .add(PLANS, Map.of(), RoundTrip.IGNORE);
    }

    /** The beginning of a look outside a transaction: what travels in one round trip is one, so the settings end with it. */
    static RoundTrip beginLook() {
        return new RoundTrip().add(PLANS, Map.of(), RoundTrip.IGNORE);
    }
}
