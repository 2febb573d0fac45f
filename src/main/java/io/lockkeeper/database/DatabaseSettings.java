package io.lockkeeper.database;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where Lockkeeper keeps its data.
 *
 * @param dataDir Directory for the embedded PostgreSQL and the admin token. Made with mode 0700 when missing.
 * @param databaseUrl A PostgreSQL server to use instead of the embedded one: {@code postgresql://user:password@host:port/database?sslmode=…}
 *     or {@code jdbc:postgresql://…}.
 * @param databaseUser User to connect as; wins over the one in the URL.
 * @param databasePassword Password of that user; wins over the one in the URL.
 * @param databaseListenUrl The same database for the one connection that needs a session, which LISTENs: set it when databaseUrl leads
 *     to a pooler in transaction mode, such as PgBouncer. User and password are the same.
 * @param databaseConnectTimeoutSeconds How long a start waits for a server that does not answer yet, 0 to 600.
 */
@ConfigurationProperties("lockkeeper")
public record DatabaseSettings(
        @DefaultValue(".lockkeeper") Path dataDir,
        @Nullable String databaseUrl,
        @Nullable String databaseUser,
        @Nullable String databasePassword,
        @Nullable String databaseListenUrl,
        @DefaultValue("10") int databaseConnectTimeoutSeconds) {

    /** Refuses a wait that is out of bounds. */
    public DatabaseSettings {
        if (databaseConnectTimeoutSeconds < 0 || databaseConnectTimeoutSeconds > 600) {
            throw new StartupRefused(
                    "LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS is %d, which is out of bounds."
                            .formatted(databaseConnectTimeoutSeconds),
                    "Set it to a whole number of seconds from 0 to 600.");
        }
    }

    /** Without the secrets, since records like this one end up in logs. */
    @Override
    public String toString() {
        return "DatabaseSettings[dataDir=%s, databaseConnectTimeoutSeconds=%d]"
                .formatted(dataDir, databaseConnectTimeoutSeconds);
    }
}
