package io.lockkeeper.database;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** Opens connections outside the pool that may assume a session of their own, which a transaction pooler does not give. */
public final class SessionConnections {
    private final DatabaseAddress address;

    SessionConnections(DatabaseAddress address) {
        this.address = address;
    }

    /** A new connection in autocommit mode; the caller closes it. */
    public Connection connect() throws SQLException {
        Properties login = new Properties();
        put(login, "user", address.user());
        put(login, "password", address.password());
        return DriverManager.getConnection(address.poolUrl(), login);
    }

    private static void put(Properties properties, String name, @Nullable String value) {
        if (value != null) {
            properties.setProperty(name, value);
        }
    }
}
