package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.Ports;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.docs.ConfigurationFile;
import io.lockkeeper.service.Api.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** A real PgBouncer in transaction mode, with the configuration that the page about operations shows. */
class PgBouncerIT {
    private static final Path PAGE = Path.of("docs/operations.md");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final TestDatabase database = TestDatabase.migrated();
    private final int port = Ports.free();

    @TempDir
    Path directory;

    @Test
    void two_replicas_behind_a_transaction_pooler_deploy_one_at_a_time_and_wake_each_other() throws Exception {
        assumeInstalled();
        Process pooler = startPooler();
        try (var one = replica();
                var two = replica()) {
            Api first = new Api(one.url(), one.adminToken()).patient();
            Api second = new Api(two.url(), two.adminToken()).patient();
            try (var clients = new DeployingClients(first, second)) {
                await().atMost(PATIENCE).until(() -> clients.served() > 100);
                clients.stop();
                clients.assertNothingIsLostOrDoubled(JdbcClient.create(database.dataSource()));
            }
            Answer holder = first.acquire("across", "{}");
            Answer waiter = second.acquire("across", "{}");
            CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(() -> second.await(waiter, 60));
            first.release(holder);
            assertThat(waiting.get(30, TimeUnit.SECONDS).outcome()).isEqualTo("granted");
            assertThat(sessionsPastThePooler())
                    .as("replicas that listen, past the pooler")
                    .isEqualTo(2);
            assertThat(first.integrity().text()).isEqualTo("{\"violations\":[]}");
        } finally {
            pooler.destroyForcibly();
        }
    }

    private ServiceProcess replica() {
        return ServiceProcess.startOn(
                database,
                Map.of(
                        "LOCKKEEPER_DATABASE_URL",
                        "jdbc:postgresql://127.0.0.1:" + port + "/" + name(),
                        "LOCKKEEPER_DATABASE_LISTEN_URL",
                        database.jdbcUrl() + "?ApplicationName=listener",
                        "LOGGING_LEVEL_ROOT",
                        "info"));
    }

    private int sessionsPastThePooler() {
        return JdbcClient.create(database.dataSource())
                .sql(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'listener'")
                .query(Integer.class)
                .single();
    }

    private Process startPooler() throws IOException {
        URI server = URI.create(database.jdbcUrl().replaceFirst("^jdbc:", ""));
        var users = Files.writeString(
                directory.resolve("userlist.txt"),
                "\"%s\" \"%s\"\n".formatted(database.username(), database.password()));
        var configuration = Files.writeString(
                directory.resolve("pgbouncer.ini"),
                ConfigurationFile.on(PAGE, "pgbouncer.ini")
                        .replace("host=127.0.0.1 port=5432", "host=" + server.getHost() + " port=" + server.getPort())
                        .replace("/etc/pgbouncer/userlist.txt", users.toString())
                        .replace("6432", Integer.toString(port)));
        // It does not run as root, and whoever it runs as instead reads these files.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        List<String> command = new ArrayList<>(List.of("pgbouncer", configuration.toString()));
        if (Objects.equals(System.getProperty("user.name"), "root")) {
            command.addAll(0, List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        }
        var log = directory.resolve("pgbouncer.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        await().atMost(PATIENCE).until(() -> {
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            return listens();
        });
        return process;
    }

    private boolean listens() {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    private String name() {
        return database.jdbcUrl().replaceFirst(".*/", "");
    }

    private static void assumeInstalled() {
        var path = Objects.requireNonNull(System.getenv("PATH")).split(":", -1);
        boolean installed = Stream.of(path).anyMatch(place -> Files.isExecutable(Path.of(place, "pgbouncer")));
        if (!installed) {
            System.err.println("Skipping a test: pgbouncer is not installed");
        }
        assumeTrue(installed, "pgbouncer is not installed");
    }
}
