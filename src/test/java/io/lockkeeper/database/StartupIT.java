package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Ports;
import io.lockkeeper.TestDatabase;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of the packaged jar: one line and exit status 1, or a service that can be stopped and killed. */
class StartupIT {

    private static final Path JAR = Path.of("target", "lockkeeper.jar").toAbsolutePath();

    @TempDir
    Path directory;

    @Test
    void unreachable_server_is_refused() throws Exception {
        refuse(
                Map.of(
                        "LOCKKEEPER_DATABASE_URL", "postgresql://ann:s3cret@127.0.0.1:1/locks",
                        "LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS", "1"),
                "lockkeeper: PostgreSQL at 127.0.0.1:1/locks cannot be reached: nothing listens there (connection"
                        + " refused) (tried for 1 s). Start the server or correct LOCKKEEPER_DATABASE_URL;"
                        + " LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS makes a start wait longer.");
    }

    @Test
    void wrong_password_is_refused() throws Exception {
        var database = TestDatabase.fresh();
        refuse(
                Map.of(
                        "LOCKKEEPER_DATABASE_URL", database.jdbcUrl(),
                        "LOCKKEEPER_DATABASE_USER", database.username(),
                        "LOCKKEEPER_DATABASE_PASSWORD", "s3cret"),
                "does not let user %s in: password authentication failed".formatted(database.username()));
    }

    @Test
    void malformed_url_is_refused() throws Exception {
        refuse(
                Map.of("LOCKKEEPER_DATABASE_URL", "postgresql://ann:s3cret@db:port/locks"),
                "lockkeeper: LOCKKEEPER_DATABASE_URL is not the address of a PostgreSQL database: its host or port"
                        + " cannot be read. Write it like postgresql://user:password@host:5432/database,");
    }

    @Test
    void policy_that_makes_no_sense_is_refused_naming_its_key() throws Exception {
        refuse(
                Map.of("LOCKKEEPER_ENVIRONMENTS_PRODUCTION_LEASESECONDS", "1"),
                "lockkeeper: The setting lockkeeper.environments.production.lease-seconds must be between 5 and 86400 seconds, and is"
                        + " 1.");
        refuse(
                Map.of("SPRING_APPLICATION_JSON", "{\"lockkeeper.environments.web.lock-gruop\": \"x\"}"),
                "lockkeeper: The setting lockkeeper.environments.web.lock-gruop is not known. Correct it and start again;");
        refuse(
                Map.of("LOCKKEEPER_ENVIRONMENTS_PRODUCTION_BATCHTHRESHOLD", "many"),
                "lockkeeper: The setting lockkeeper.environments.production.batch-threshold has a value that cannot be read.");
        refuse(
                Map.of("LOCKKEEPER_DEFAULT_ENVIRONMENT", "No Such Name"),
                "lockkeeper: The setting lockkeeper.default-environment is not an environment's name");
    }

    @Test
    void issuer_of_id_tokens_that_makes_no_sense_is_refused_naming_its_key() throws Exception {
        refuse(
                Map.of("SPRING_APPLICATION_JSON", """
                        {"lockkeeper": {"oidc": {"issuers": [{"issuer": "https://ci.example", "audiance": "x"}]}}}"""),
                "lockkeeper: The setting lockkeeper.oidc.issuers[0].audiance is not known. Correct it and start again;");
        refuse(
                Map.of("LOCKKEEPER_OIDC_ISSUERS_0_ISSUER", "ci.example"),
                "lockkeeper: The setting lockkeeper.oidc.issuers[0].issuer must be an address such as https://gitlab.com.");
    }

    @Test
    void key_of_lock_tokens_that_is_too_short_is_refused() throws Exception {
        refuse(
                Map.of("LOCKKEEPER_LOCK_TOKEN_KEYS", "admin-token,too-short"),
                "lockkeeper: LOCKKEEPER_LOCK_TOKEN_KEYS (property lockkeeper.lock-token-keys) has an unusable key at place 2:");
        refuse(
                Map.of("LOCKKEEPER_LOCK_TOKEN_KEYS", ""),
                "lockkeeper: LOCKKEEPER_LOCK_TOKEN_KEYS (property lockkeeper.lock-token-keys) must name 1 to 4 keys, and names 0.");
    }

    @Test
    void port_in_use_is_refused_and_no_database_is_left_running() throws Exception {
        try (var taken = new ServerSocket(0)) {
            refuse(
                    Map.of("SERVER_PORT", "" + taken.getLocalPort()),
                    "lockkeeper: Web server failed to start. Port %d was already in use."
                            .formatted(taken.getLocalPort()));
        }
        assertThat(directory.resolve(".lockkeeper/postgres/PG_VERSION")).exists();
        assertThat(directory.resolve(".lockkeeper/postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void second_service_on_a_data_directory_is_refused_and_a_killed_one_starts_again() throws Exception {
        var port = Map.of("SERVER_PORT", "" + Ports.free());
        var first = launch(port);
        awaitStart(first);
        refuse(
                Map.of(),
                "lockkeeper: Another Lockkeeper (process %d) is running on the data directory %s."
                        .formatted(first.pid(), directory.toRealPath().resolve(".lockkeeper")));

        first.destroyForcibly();
        assertThat(first.waitFor(30, TimeUnit.SECONDS)).isTrue();
        var orphan = postmaster();
        assertThat(orphan.isAlive()).isTrue();
        var next = launch(port);
        awaitStart(next);
        assertThat(orphan.isAlive()).isFalse();

        var server = postmaster();
        next.destroy();
        assertThat(next.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(server.isAlive()).as("the server after SIGTERM").isFalse();
        assertThat(Files.readString(directory.resolve(".lockkeeper/postgres.log")))
                .endsWith("database system is shut down\n")
                .as("the pool was closed first")
                .doesNotContain("terminating connection due to administrator command");
        assertThat(Files.readString(directory.resolve("stderr"))).isEmpty();
    }

    private void refuse(Map<String, String> environment, String sentence) throws Exception {
        var process = launch(environment);
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        var stderr = Files.readString(directory.resolve("stderr"));
        assertThat(stderr).contains(sentence).startsWith("lockkeeper: ").endsWith("\n");
        assertThat(stderr.lines()).hasSize(1);
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(stderr + Files.readString(directory.resolve("stdout")))
                .doesNotContain("s3cret")
                .doesNotContain("\tat ");
    }

    private Process launch(Map<String, String> environment) throws IOException {
        var builder = new ProcessBuilder(
                        List.of(ProcessHandle.current().info().command().orElseThrow(), "-jar", JAR.toString()))
                .directory(directory.toFile())
                .redirectOutput(directory.resolve("stdout").toFile())
                .redirectError(directory.resolve("stderr").toFile());
        builder.environment().keySet().removeIf(name -> name.matches("(LOCKKEEPER|SPRING|SERVER)_.*"));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private void awaitStart(Process process) throws Exception {
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!Files.readString(directory.resolve("stdout")).contains("Started LockkeeperApplication")) {
            assertThat(process.isAlive())
                    .as(() -> "the service; it said " + stderr())
                    .isTrue();
            assertThat(System.nanoTime() - deadline).isNegative();
            // Not a sleep for luck: the condition is looked at ten times a second, so that two processors can start it.
            process.waitFor(100, TimeUnit.MILLISECONDS);
        }
    }

    private String stderr() {
        try {
            return Files.readString(directory.resolve("stderr"));
        } catch (IOException fault) {
            return fault.toString();
        }
    }

    private ProcessHandle postmaster() throws IOException {
        var pidFile = directory.resolve(".lockkeeper/postgres/postmaster.pid");
        return ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(pidFile).getFirst().strip()))
                .orElseThrow();
    }
}
