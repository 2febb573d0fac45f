package io.lockkeeper.database;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection that is made before anything else starts, to find out whether Lockkeeper can work with this server at all.
 *
 * <p>What may pass by itself (no answer, still starting, no connection left) is waited for; what only the operator can change (user,
 * password, database, version, a server that accepts no writes) is refused at once.
 */
final class FirstConnection {

    /** Of PostgreSQL 14, in the form of {@code server_version_num}. */
    private static final int OLDEST_VERSION = 140000;

    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final Logger log = LoggerFactory.getLogger(FirstConnection.class);

    /** PostgreSQL manual, appendix "Error Codes"; 08004 is pgjdbc's for a server that wants a password or has no TLS. */
    private static final Set<String> FINAL = Set.of("28000", "28P01", "08004", "42501");

    private final DatabaseAddress address;

    FirstConnection(DatabaseAddress address) {
        this.address = address;
    }

    /**
     * Connects, looks and closes again.
     *
     * @param patience how long to wait for a server that does not answer
     */
    void make(Duration patience) {
        var start = System.nanoTime();
        for (boolean told = false; ; told = true) {
            var left = patience.minusNanos(System.nanoTime() - start);
            try (var connection = connect(left)) {
                refuseUnlessUsable(connection);
                return;
            } catch (SQLException fault) {
                var cause = inPlainWords(fault);
                refuseIfFinal(fault, cause);
                var next = patience.minusNanos(System.nanoTime() - start).minus(PAUSE);
                if (next.isNegative() || !pause()) {
                    throw unreachable(cause, patience, fault);
                }
                if (!told) {
                    log.warn(
                            "Waiting up to {} s for PostgreSQL at {}: {}.",
                            patience.toSeconds(),
                            address.shown(),
                            cause);
                }
            }
        }
    }

    private Connection connect(Duration limit) throws SQLException {
        var properties = new Properties();
        if (address.user() != null) {
            properties.setProperty("user", address.user());
        }
        if (address.password() != null) {
            properties.setProperty("password", address.password());
        }
        // Bounds the whole log-in. A server that is paused accepts the TCP connection and then says nothing.
        var seconds = Math.clamp(limit.toSeconds(), 1, 10);
        properties.setProperty("loginTimeout", Long.toString(seconds));
        return DriverManager.getConnection(address.poolUrl(), properties);
    }

    private void refuseUnlessUsable(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var row = statement.executeQuery("""
                        SELECT current_setting('server_version_num')::int,
                               current_setting('server_version'),
                               pg_is_in_recovery(),
                               current_setting('transaction_read_only') = 'on'
                        """)) {
            row.next();
            refuseUnlessUsable(row.getInt(1), row.getString(2), row.getBoolean(3), row.getBoolean(4));
        }
    }

    /** The judgement without the server. */
    void refuseUnlessUsable(int versionNumber, String version, boolean standby, boolean readOnly) {
        if (versionNumber < OLDEST_VERSION) {
            throw new StartupRefused(
                    "The server at %s is PostgreSQL %s, and Lockkeeper needs 14 or newer."
                            .formatted(address.shown(), version),
                    "Upgrade the server, or name another one in LOCKKEEPER_DATABASE_URL.");
        }
        if (standby) {
            throw new StartupRefused(
                    "The server at %s is a standby, which accepts no writes.".formatted(address.shown()),
                    "Name the primary in LOCKKEEPER_DATABASE_URL, or all servers separated by commas with the parameter"
                            + " targetServerType=primary.");
        }
        if (readOnly) {
            throw new StartupRefused(
                    "The database at %s accepts no writes (default_transaction_read_only is on)."
                            .formatted(address.shown()),
                    "Switch that setting off for user %s and this database, or name another one in LOCKKEEPER_DATABASE_URL."
                            .formatted(shownUser()));
        }
    }

    private void refuseIfFinal(SQLException fault, String cause) {
        var state = fault.getSQLState() == null ? "" : fault.getSQLState();
        if (state.equals("3D000")) {
            throw new StartupRefused(
                    "The PostgreSQL server at %s has no such database.".formatted(address.shown()),
                    "Create it (CREATE DATABASE), or correct its name in LOCKKEEPER_DATABASE_URL.",
                    fault);
        }
        if (FINAL.contains(state)) {
            throw new StartupRefused(
                    "The PostgreSQL server at %s does not let user %s in: %s."
                            .formatted(address.shown(), shownUser(), cause),
                    "Correct user and password in LOCKKEEPER_DATABASE_URL, or in LOCKKEEPER_DATABASE_USER and LOCKKEEPER_DATABASE_PASSWORD,"
                            + " or what the server allows (pg_hba.conf, sslmode).",
                    fault);
        }
    }

    private StartupRefused unreachable(String cause, Duration patience, SQLException fault) {
        return new StartupRefused(
                "PostgreSQL at %s cannot be reached: %s (tried for %d s)."
                        .formatted(address.shown(), cause, patience.toSeconds()),
                "Start the server or correct LOCKKEEPER_DATABASE_URL; LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS makes a start wait longer.",
                fault);
    }

    // pgjdbc's own sentences are translated, long, and give advice for its users rather than for ours.
    private static String inPlainWords(SQLException fault) {
        if (fault instanceof PSQLException ofServer && ofServer.getServerErrorMessage() != null) {
            @Nullable String message = ofServer.getServerErrorMessage().getMessage();
            return message == null ? "it gave no reason" : oneLine(message);
        }
        for (@Nullable Throwable cause = fault.getCause(); cause != null; cause = cause.getCause()) {
            switch (cause) {
                case UnknownHostException unknown -> {
                    return "the host name is unknown";
                }
                case SocketTimeoutException timeout -> {
                    return "no answer in time";
                }
                case NoRouteToHostException unreachable -> {
                    return "no route to the host";
                }
                case ConnectException refused -> {
                    return "nothing listens there (connection refused)";
                }
                default -> {}
            }
        }
        var message = fault.getMessage() == null ? fault.getClass().getSimpleName() : fault.getMessage();
        return oneLine(message);
    }

    private static String oneLine(String message) {
        var line = message.strip().replaceAll("\\s+", " ");
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }

    private String shownUser() {
        return address.user() == null ? System.getProperty("user.name") : address.user();
    }

    private static boolean pause() {
        try {
            Thread.sleep(PAUSE);
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
