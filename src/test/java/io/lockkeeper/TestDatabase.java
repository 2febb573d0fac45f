package io.lockkeeper;

import io.lockkeeper.database.EmbeddedPostgres;
import io.lockkeeper.database.StartupRefused;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.postgresql.ds.PGSimpleDataSource;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * A database of its own for a test, on one PostgreSQL server that all tests of this JVM share. The server is a container where a Docker
 * engine answers and the embedded PostgreSQL otherwise; which one is said once on stdout. Rows are committed as in production, so tests
 * keep apart by database and not by rolling back.
 */
public final class TestDatabase {

    private static final String TEMPLATE = "migrated_template";
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String database;

    private TestDatabase(String database) {
        this.database = database;
    }

    /** An empty database. */
    public static TestDatabase fresh() {
        return create("");
    }

    /** A database with Lockkeeper's schema: a copy, since applying the migrations each time would take longer. */
    public static TestDatabase migrated() {
        return create(" TEMPLATE " + Template.NAME);
    }

    public String jdbcUrl() {
        return Server.CURRENT.jdbcUrl(database);
    }

    public String username() {
        return Server.CURRENT.username();
    }

    public String password() {
        return Server.CURRENT.password();
    }

    /** Connects anew each time. */
    public DataSource dataSource() {
        var dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl());
        dataSource.setUser(username());
        dataSource.setPassword(password());
        return dataSource;
    }

    private static TestDatabase create(String options) {
        var name = "test_" + COUNT.incrementAndGet();
        Server.execute("CREATE DATABASE " + name + options);
        return new TestDatabase(name);
    }

    /** Made when the first test asks for it. */
    private static final class Template {

        static final String NAME = make();

        private static String make() {
            Server.execute("CREATE DATABASE " + TEMPLATE);
            Flyway.configure()
                    .dataSource(new TestDatabase(TEMPLATE).dataSource())
                    .locations("classpath:db/migration")
                    .load()
                    .migrate();
            return TEMPLATE;
        }
    }

    private interface Server {

        Server CURRENT = Servers.start();

        String jdbcUrl(String database);

        String username();

        String password();

        /** Runs a statement on the server as a whole. */
        static void execute(String sql) {
            try (var connection = new TestDatabase("postgres").dataSource().getConnection();
                    var statement = connection.createStatement()) {
                statement.execute(sql);
            } catch (SQLException fault) {
                throw new IllegalStateException(sql, fault);
            }
        }
    }

    private record Container(PostgreSQLContainer container) implements Server {

        @Override
        public String jdbcUrl(String database) {
            return "jdbc:postgresql://%s:%d/%s"
                    .formatted(container.getHost(), container.getFirstMappedPort(), database);
        }

        @Override
        public String username() {
            return container.getUsername();
        }

        @Override
        public String password() {
            return container.getPassword();
        }
    }

    private record Embedded(EmbeddedPostgres postgres) implements Server {

        @Override
        public String jdbcUrl(String database) {
            return postgres.jdbcUrl(database);
        }

        @Override
        public String username() {
            return postgres.username();
        }

        @Override
        public String password() {
            return postgres.password();
        }
    }

    private static final class Servers {

        private static final String IMAGE = "postgres:18-alpine";
        private static final int MAX_CONNECTIONS = 400;
        private static final int JVMS_AT_ONCE = 20;

        static Server start() {
            if (!DockerClientFactory.instance().isDockerAvailable()) {
                return embedded("no Docker engine answers");
            }
            var container = new PostgreSQLContainer(IMAGE);
            container.setCommand("postgres", "-c", "max_connections=" + MAX_CONNECTIONS, "-c", "fsync=off");
            try {
                container.start();
            } catch (RuntimeException fault) {
                return embedded("the Docker engine cannot run " + IMAGE);
            }
            var server = new Container(container);
            afterAllContexts(() -> {
                keepTraces(server);
                container.stop();
            });
            return announced(server, IMAGE + " in a container, since a Docker engine answers");
        }

        private static Server embedded(String reason) {
            var settings = Map.of("max_connections", "" + MAX_CONNECTIONS, "fsync", "off");
            for (int attempt = 1; ; attempt++) {
                try {
                    // Below target, so that the next run finds the programs unpacked and stops what a killed one has
                    // left.
                    var postgres = EmbeddedPostgres.start(
                            Path.of("target", "test-postgres", "" + attempt),
                            Path.of("target", "test-postgres", "binaries"),
                            settings);
                    var server = new Embedded(postgres);
                    afterAllContexts(() -> {
                        keepTraces(server);
                        postgres.close();
                    });
                    dropWhatTheLastRunLeft(server);
                    return announced(server, "the embedded PostgreSQL, since " + reason);
                } catch (StartupRefused refused) {
                    // Another test JVM is at work in this directory.
                    if (attempt == JVMS_AT_ONCE || !refused.description().startsWith("Another Lockkeeper")) {
                        throw refused;
                    }
                }
            }
        }

        private static void dropWhatTheLastRunLeft(Server server) {
            try (var connection = connect(server, "postgres")) {
                for (var database : leftDatabases(connection)) {
                    try (var statement = connection.createStatement()) {
                        statement.execute("DROP DATABASE \"%s\" WITH (FORCE)".formatted(database));
                    }
                }
            } catch (SQLException fault) {
                throw new IllegalStateException("the databases of the last run cannot be dropped", fault);
            }
        }

        private static Connection connect(Server server, String database) throws SQLException {
            var dataSource = new PGSimpleDataSource();
            dataSource.setUrl(server.jdbcUrl(database));
            dataSource.setUser(server.username());
            dataSource.setPassword(server.password());
            return dataSource.getConnection();
        }

        private static void keepTraces(Server server) {
            Traces.secret(server.password());
            try (var connection = connect(server, "postgres")) {
                for (var database : leftDatabases(connection)) {
                    try (var left = connect(server, database)) {
                        Traces.keepDatabase(left);
                    }
                }
            } catch (SQLException fault) {
                throw new IllegalStateException("what the tests left in the databases cannot be kept", fault);
            }
        }

        private static Iterable<String> leftDatabases(Connection connection) throws SQLException {
            try (var statement = connection.createStatement();
                    var rows = statement.executeQuery(
                            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")) {
                var names = new ArrayList<String>();
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
                return names;
            }
        }

        // The contexts that the test framework has cached are closed by hooks of Spring's, which the virtual machine
        // runs at the same time as ours, and they still talk to the database. (SpringApplication's shutdown handlers
        // run only where an application ran.)
        private static void afterAllContexts(Runnable stop) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    var springsHasStarted = Instant.now().plusMillis(100);
                    while (Instant.now().isBefore(springsHasStarted)) {
                        for (var thread : Thread.getAllStackTraces().keySet()) {
                            if (thread.getName().matches("Spring(Application|Context)ShutdownHook")) {
                                thread.join(Duration.ofSeconds(30));
                            }
                        }
                    }
                } catch (InterruptedException hurry) {
                    Thread.currentThread().interrupt();
                }
                stop.run();
            }));
        }

        private static Server announced(Server server, String which) {
            System.out.println("TestDatabase: " + which + ".");
            return server;
        }
    }
}
