package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FirstConnectionTest {

    private final TestDatabase database = TestDatabase.fresh();

    @Test
    void writable_server_is_accepted() {
        assertThatCode(() -> connect(address(database.jdbcUrl(), database.password())))
                .doesNotThrowAnyException();
    }

    @Test
    void wrong_password_is_refused_at_once_and_not_repeated() {
        assertThatThrownBy(() -> connect(address(database.jdbcUrl(), "wr0ng")))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining(
                        "does not let user " + database.username() + " in: password authentication failed")
                .hasMessageContaining("LOCKKEEPER_DATABASE_PASSWORD")
                .hasMessageNotContaining("wr0ng");
    }

    @Test
    void unknown_database_is_refused_at_once() {
        var url = database.jdbcUrl().replaceFirst("/[^/]*$", "/nowhere");
        assertThatThrownBy(() -> connect(address(url, database.password())))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("/nowhere has no such database.");
    }

    @Test
    void database_that_accepts_no_writes_is_refused() throws SQLException {
        try (var connection = database.dataSource().getConnection();
                var statement = connection.createStatement()) {
            statement.execute(
                    "ALTER DATABASE %s SET default_transaction_read_only = on".formatted(connection.getCatalog()));
        }
        assertThatThrownBy(() -> connect(address(database.jdbcUrl(), database.password())))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("accepts no writes (default_transaction_read_only is on).");
    }

    @Test
    void server_before_14_is_refused_and_14_is_accepted() {
        var connection = new FirstConnection(address("jdbc:postgresql://db/locks", null));
        assertThatThrownBy(() -> connection.refuseUnlessUsable(130020, "13.20", false, false))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining(
                        "The server at db:5432/locks is PostgreSQL 13.20, and Lockkeeper needs 14 or newer.");
        assertThatCode(() -> connection.refuseUnlessUsable(140000, "14.0", false, false))
                .doesNotThrowAnyException();
    }

    @Test
    void standby_is_refused() {
        var connection = new FirstConnection(address("jdbc:postgresql://db/locks", null));
        assertThatThrownBy(() -> connection.refuseUnlessUsable(180000, "18.0", true, true))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("is a standby, which accepts no writes.");
    }

    @Test
    void server_that_is_not_there_is_waited_for_and_then_refused() throws IOException {
        var start = System.nanoTime();
        assertThatThrownBy(() -> new FirstConnection(
                                address("jdbc:postgresql://127.0.0.1:%d/locks".formatted(closedPort()), null))
                        .make(Duration.ofSeconds(1)))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("cannot be reached: nothing listens there (connection refused) (tried for 1 s).");
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(Duration.ofMillis(400), Duration.ofSeconds(5));
    }

    @Test
    void server_that_accepts_the_connection_and_says_nothing_is_refused() throws IOException {
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            var url = "jdbc:postgresql://127.0.0.1:%d/locks".formatted(silent.getLocalPort());
            assertThatThrownBy(() -> new FirstConnection(address(url, "pw")).make(Duration.ofSeconds(1)))
                    .isInstanceOf(StartupRefused.class)
                    .hasMessageContaining("(tried for 1 s).");
        }
    }

    private static int closedPort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void connect(DatabaseAddress address) {
        new FirstConnection(address).make(Duration.ofSeconds(10));
    }

    private DatabaseAddress address(String url, @Nullable String password) {
        return DatabaseAddress.parse("LOCKKEEPER_DATABASE_URL", url, database.username(), password);
    }
}
