package io.lockkeeper.web;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.transaction.CannotCreateTransactionException;

/** Tells a database that is away, starting, failing over or overloaded, where trying again helps, from a fault of ours, where it does not. */
final class DatabaseOutage {

    /**
     * Classes of SQLSTATE (PostgreSQL manual, appendix A): connection exception, transaction rollback, insufficient
     * resources, operator intervention (shut-down, cancel, crash of a backend), system error.
     */
    private static final Set<String> STATE_CLASSES = Set.of("08", "40", "53", "57", "58");

    /** A lock that was not free in time, a transaction that was silent for too long, and a write on a standby, as seen after a failover. */
    private static final Set<String> STATES = Set.of("55P03", "25P03", "25006");

    private static final int LONGEST_CHAIN = 20;

    private DatabaseOutage() {}

    static boolean isCauseOf(Throwable exception) {
        @Nullable Throwable cause = exception;
        for (var depth = 0; cause != null && depth < LONGEST_CHAIN; depth++) {
            if (isOutage(cause)) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }

    /** The innermost message: the outer ones repeat it around our SQL. */
    static String reason(Throwable exception) {
        var cause = exception;
        for (var depth = 0; depth < LONGEST_CHAIN; depth++) {
            var next = cause.getCause();
            if (next == null) {
                break;
            }
            cause = next;
        }
        return String.valueOf(cause.getMessage());
    }

    private static boolean isOutage(Throwable cause) {
        return switch (cause) {
            case CannotCreateTransactionException _,
                    DataAccessResourceFailureException _,
                    TransientDataAccessException _,
                    SQLTransientConnectionException _ -> true;
            case SQLException e -> {
                var state = e.getSQLState();
                yield state != null
                        && state.length() == 5
                        && (STATE_CLASSES.contains(state.substring(0, 2)) || STATES.contains(state));
            }
            default -> false;
        };
    }
}
