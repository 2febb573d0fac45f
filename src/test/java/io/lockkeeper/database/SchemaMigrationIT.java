package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** {@code lockkeeper.jar migrate}, and what a service makes of a schema that others have changed. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SchemaMigrationIT {
    private static final Path JAR = Path.of("target", "lockkeeper.jar").toAbsolutePath();

    @TempDir
    private Path directory;

    @Test
    void migrate_brings_an_empty_database_up_to_date_and_ends() throws Exception {
        var database = TestDatabase.fresh();

        assertThat(migrate(database)).as(this::output).isZero();

        var newest = newestMigration();
        assertThat(output())
                .contains("The database's schema is up to date: " + newest + ".")
                .doesNotContain("Tomcat");
        assertThat(version(database)).isEqualTo(newest);
        assertThat(migrate(database)).as("a second time: %s", output()).isZero();
        assertThat(workplace()).as("neither a database nor a token of its own").isEmptyDirectory();
    }

    @Test
    void migrate_says_in_one_line_why_it_cannot() throws Exception {
        assertThat(run(Map.of(
                        "LOCKKEEPER_DATABASE_URL", "postgresql://127.0.0.1:1/locks",
                        "LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS", "0")))
                .isEqualTo(1);

        assertThat(output().lines())
                .filteredOn(line -> line.startsWith("lockkeeper: "))
                .singleElement()
                .asString()
                .startsWith("lockkeeper: PostgreSQL at 127.0.0.1:1/locks cannot be reached");
    }

    @Test
    void service_needs_no_right_to_change_the_schema_once_that_is_migrated() throws Exception {
        var database = TestDatabase.fresh();
        assertThat(migrate(database)).as(this::output).isZero();
        var user = "user_" + UUID.randomUUID().toString().replace("-", "");
        var jdbc = JdbcClient.create(database.dataSource());
        for (var statement : List.of(
                "CREATE ROLE " + user + " LOGIN PASSWORD 'only-rows-please'",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + user,
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO " + user)) {
            jdbc.sql(statement).update();
        }

        try (var service = ServiceProcess.startOn(
                database,
                Map.of("LOCKKEEPER_DATABASE_USER", user, "LOCKKEEPER_DATABASE_PASSWORD", "only-rows-please"))) {
            assertThat(acquire(service)).contains("\"outcome\":\"granted\"");
        }
    }

    /** A roll-back: the replicas are those of yesterday, the schema is not. */
    @Test
    void service_starts_on_the_schema_of_a_newer_one() throws Exception {
        var database = TestDatabase.migrated();
        JdbcClient.create(database.dataSource()).sql("""
                        INSERT INTO flyway_schema_history
                          (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
                        SELECT max(installed_rank) + 1, '9999', 'of tomorrow', 'SQL', 'V9999__of_tomorrow.sql', 1, current_user, 1, true
                        FROM flyway_schema_history
                        """).update();

        try (var service = ServiceProcess.startOn(database)) {
            assertThat(acquire(service)).contains("\"outcome\":\"granted\"");
        }
    }

    private static String acquire(ServiceProcess service) throws Exception {
        var request = HttpRequest.newBuilder(service.url().resolve("/api/environments/production/acquire"))
                .header("Authorization", "Bearer " + service.adminToken())
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        try (var http = HttpClient.newHttpClient()) {
            return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private int migrate(TestDatabase database) throws Exception {
        return run(Map.of(
                "LOCKKEEPER_DATABASE_URL", database.jdbcUrl(),
                "LOCKKEEPER_DATABASE_USER", database.username(),
                "LOCKKEEPER_DATABASE_PASSWORD", database.password()));
    }

    private int run(Map<String, String> variables) throws Exception {
        var builder = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(), "-jar", JAR.toString(), "migrate")
                .directory(Files.createDirectories(workplace()).toFile())
                .redirectErrorStream(true)
                .redirectOutput(log().toFile());
        builder.environment().keySet().removeIf(name -> name.matches("(LOCKKEEPER|SPRING|SERVER)_.*"));
        builder.environment().putAll(variables);
        var process = builder.start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private Path workplace() {
        return directory.resolve("workplace");
    }

    private Path log() {
        return directory.resolve("log");
    }

    private String output() {
        try {
            return Files.readString(log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String version(TestDatabase database) {
        return JdbcClient.create(database.dataSource())
                .sql("SELECT version FROM flyway_schema_history WHERE success ORDER BY installed_rank DESC LIMIT 1")
                .query(String.class)
                .single();
    }

    private static String newestMigration() throws Exception {
        try (var migrations = Files.list(Path.of("db/migration"))) {
            return ""
                    + migrations
                            .map(file -> file.getFileName().toString())
                            .mapToInt(name -> Integer.parseInt(name.substring(1, name.indexOf("__"))))
                            .max()
                            .orElseThrow();
        }
    }
}
