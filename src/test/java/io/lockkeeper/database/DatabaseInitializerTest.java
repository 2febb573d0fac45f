package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.lockkeeper.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

class DatabaseInitializerTest {

    private static final Path BINARIES =
            Path.of("target", "test-postgres", "binaries").toAbsolutePath();

    @TempDir
    Path temporary;

    @Test
    void lockkeepers_own_url_wins_over_springs() {
        var database = TestDatabase.fresh();
        try (var context = run(
                "--lockkeeper.database-url=" + database.jdbcUrl(),
                "--lockkeeper.database-user=" + database.username(),
                "--lockkeeper.database-password=" + database.password(),
                "--spring.datasource.url=jdbc:postgresql://127.0.0.1:1/nowhere")) {
            assertThat(answer(context, "SELECT current_setting('application_name')"))
                    .isEqualTo("lockkeeper");
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void springs_own_settings_win_over_the_embedded_database() {
        var database = TestDatabase.fresh();
        try (var context = run(
                "--spring.datasource.url=" + database.jdbcUrl(),
                "--spring.datasource.username=" + database.username(),
                "--spring.datasource.password=" + database.password())) {
            assertThat(answer(context, "SELECT current_setting('application_name')"))
                    .isEqualTo("lockkeeper");
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void paused_database_gives_an_error_and_not_a_hang() throws Exception {
        try (var postgres = EmbeddedPostgres.start(temporary.resolve("paused"), BINARIES, Map.of());
                var context = run(
                        "--lockkeeper.database-url=" + postgres.jdbcUrl() + "?socketTimeout=1",
                        "--lockkeeper.database-user=" + postgres.username(),
                        "--lockkeeper.database-password=" + postgres.password(),
                        "--spring.datasource.hikari.connection-timeout=1000")) {
            assertThat(answer(context, "SELECT 'awake'")).isEqualTo("awake");
            var pidFile = temporary.resolve("paused/postgres/postmaster.pid");
            var server = ProcessHandle.of(Long.parseLong(
                            Files.readAllLines(pidFile).getFirst().strip()))
                    .orElseThrow();
            var processes = Stream.concat(Stream.of(server), server.descendants())
                    .map(process -> Long.toString(process.pid()))
                    .toList();
            signal("STOP", processes);
            var start = System.nanoTime();
            try {
                assertThatThrownBy(() -> answer(context, "SELECT 'asleep'")).isInstanceOf(DataAccessException.class);
            } finally {
                signal("CONT", processes);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        }
    }

    @Test
    void pool_is_bounded_and_a_request_waits_five_seconds_for_a_connection() {
        var database = TestDatabase.fresh();
        try (var context = run(
                "--lockkeeper.database-url=" + database.jdbcUrl(),
                "--lockkeeper.database-user=" + database.username(),
                "--lockkeeper.database-password=" + database.password())) {
            var pool = context.getBean(HikariDataSource.class);
            assertThat(pool.getMaximumPoolSize()).isEqualTo(10);
            assertThat(pool.getConnectionTimeout()).isEqualTo(5000);
        }
    }

    @Test
    void embedded_database_stops_after_everything_that_uses_it() {
        var context = run();
        var farewell = context.getBean(Farewell.class);
        assertThat(temporary.resolve("data/postgres/postmaster.pid")).exists();
        context.close();
        assertThat(farewell.answer.get()).isEqualTo("still there");
        assertThat(temporary.resolve("data/postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void embedded_database_stops_when_the_start_fails_half_way() {
        assertThatThrownBy(() -> run("--break=true")).hasStackTraceContaining("broken on purpose");
        assertThat(Files.exists(temporary.resolve("data/postgres/PG_VERSION"))).isTrue();
        assertThat(temporary.resolve("data/postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void time_out_of_bounds_is_refused() {
        assertThatThrownBy(() -> run("--lockkeeper.database-connect-timeout-seconds=601"))
                .hasStackTraceContaining("LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS is 601, which is out of bounds.");
    }

    private static void signal(String signal, List<String> processes) throws Exception {
        var command = new ArrayList<>(List.of("kill", "-" + signal));
        command.addAll(processes);
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private ConfigurableApplicationContext run(String... arguments) {
        return new SpringApplicationBuilder(Service.class)
                .web(WebApplicationType.NONE)
                .properties("lockkeeper.data-dir=" + temporary.resolve("data"))
                .run(arguments);
    }

    private static String answer(ConfigurableApplicationContext context, String query) {
        return JdbcClient.create(context.getBean(DataSource.class))
                .sql(query)
                .query(String.class)
                .single();
    }

    /** The least of a service: a pool, and a bean that still uses it when it is destroyed. */
    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(DataSourceAutoConfiguration.class)
    static class Service {

        @Bean
        Farewell farewell(DataSource dataSource, Environment environment) {
            var farewell = new Farewell(JdbcClient.create(dataSource));
            if (environment.containsProperty("break")) {
                throw new IllegalStateException("broken on purpose");
            }
            return farewell;
        }
    }

    static final class Farewell implements DisposableBean {

        final AtomicReference<String> answer = new AtomicReference<>("");
        private final JdbcClient client;

        Farewell(JdbcClient client) {
            this.client = client;
        }

        @Override
        public void destroy() {
            answer.set(client.sql("SELECT 'still there'").query(String.class).single());
        }
    }
}
