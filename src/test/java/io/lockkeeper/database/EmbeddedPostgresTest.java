package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedPostgresTest {

    /** Unpacked once for all of these tests. */
    private static final Path BINARIES =
            Path.of("target", "test-postgres", "binaries").toAbsolutePath();

    @TempDir
    Path temporary;

    Path home = Path.of("");

    @BeforeEach
    void choose_a_directory() throws IOException {
        home = temporary.toRealPath().resolve("data");
    }

    @Test
    void committed_row_survives_kill_9_of_the_service_and_the_orphan_server_is_stopped() throws Exception {
        var service = Service.start(home);
        var orphan = postmaster();
        service.kill();
        assertThat(orphan.isAlive()).as("PostgreSQL outlives the service").isTrue();

        try (var postgres = start()) {
            assertThat(orphan.isAlive()).isFalse();
            assertThat(notes(postgres)).isEqualTo(1);
        }
    }

    @Test
    void committed_row_survives_kill_9_of_the_service_and_of_the_server() throws Exception {
        var service = Service.start(home);
        var server = postmaster();
        service.kill();
        server.destroyForcibly();
        server.onExit().get(30, TimeUnit.SECONDS);
        assertThat(home.resolve("postgres/postmaster.pid")).exists();

        try (var postgres = start()) {
            assertThat(notes(postgres)).isEqualTo(1);
        }
    }

    @Test
    void stale_pid_file_that_names_an_unrelated_process_keeps_nobody_out() throws Exception {
        var service = Service.start(home);
        var server = postmaster();
        service.kill();
        server.destroyForcibly();
        server.onExit().get(30, TimeUnit.SECONDS);
        var unrelated = new ProcessBuilder("sleep", "600").start();
        try {
            var pidFile = home.resolve("postgres/postmaster.pid");
            var lines = Files.readAllLines(pidFile);
            lines.set(0, Long.toString(unrelated.pid()));
            Files.write(pidFile, lines);

            try (var postgres = start()) {
                assertThat(notes(postgres)).isEqualTo(1);
            }
            assertThat(unrelated.isAlive()).isTrue();
        } finally {
            unrelated.destroyForcibly();
        }
    }

    @Test
    void second_service_on_the_same_directory_is_refused_and_told_who_has_it() throws Exception {
        var service = Service.start(home);
        try {
            assertThatThrownBy(this::start)
                    .isInstanceOf(StartupRefused.class)
                    .hasMessageContaining(
                            "Another Lockkeeper (process %d) is running on the data directory %s.", service.pid(), home)
                    .hasMessageContaining("LOCKKEEPER_DATA_DIR");
            assertThat(postmaster().isAlive()).as("the first one's server").isTrue();
        } finally {
            service.kill();
            start().close();
        }
    }

    @Test
    void second_start_within_one_process_is_refused_too() {
        try (var postgres = start()) {
            assertThatThrownBy(this::start).hasMessageContaining("Another Lockkeeper");
            assertThat(postgres.password()).isNotEmpty();
        }
    }

    @Test
    void interrupted_initdb_is_done_again() throws Exception {
        var service = Service.launch(home);
        await(this::initdbIsAtWork);
        var initdb = service.process().descendants().toList();
        service.kill();
        assertThat(home.resolve("postgres")).doesNotExist();

        try (var postgres = start();
                var connection = connect(postgres)) {
            assertThat(connection.isValid(5)).isTrue();
        }
        // So that nothing writes any more when the directory is cleaned up.
        for (var process : initdb) {
            process.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void empty_pid_file_keeps_nobody_out() throws Exception {
        start().close();
        Files.createFile(home.resolve("postgres/postmaster.pid"));
        start().close();
    }

    @Test
    void folder_that_is_no_database_is_refused_and_kept() throws Exception {
        Files.createDirectories(home.resolve("postgres"));
        Files.writeString(home.resolve("postgres/diary"), "dear diary");
        assertThatThrownBy(this::start).isInstanceOf(StartupRefused.class);
        assertThat(home.resolve("postgres/diary")).hasContent("dear diary");
    }

    @Test
    void database_whose_password_file_is_lost_is_refused_and_kept() throws Exception {
        start().close();
        Files.move(home.resolve("postgres-password"), home.resolve("elsewhere"));
        assertThatThrownBy(this::start)
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("postgres-password, is missing");
        Files.move(home.resolve("elsewhere"), home.resolve("postgres-password"));
        start().close();
    }

    @Test
    void database_of_another_major_version_is_refused_and_kept() throws Exception {
        start().close();
        Files.writeString(home.resolve("postgres/PG_VERSION"), "17\n");
        assertThatThrownBy(this::start)
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("was made by PostgreSQL 17, and this Lockkeeper runs PostgreSQL 18.");
        assertThat(home.resolve("postgres/global/pg_control")).exists();
    }

    @Test
    void nobody_gets_in_without_the_password() throws Exception {
        try (var postgres = start()) {
            assertThat(Files.readString(home.resolve("postgres/pg_hba.conf")).lines())
                    .filteredOn(line -> !line.isBlank() && !line.startsWith("#"))
                    .isNotEmpty()
                    .allMatch(line -> line.endsWith("scram-sha-256"));
            for (@Nullable String wrong : new @Nullable String[] {null, "", "wrong"}) {
                assertThatThrownBy(() -> DriverManager.getConnection(postgres.jdbcUrl(), postgres.username(), wrong)
                                .close())
                        .isInstanceOf(SQLException.class);
            }
            try (var connection = connect(postgres)) {
                assertThat(connection.isValid(5)).isTrue();
            }
        }
    }

    @Test
    void data_and_password_are_private() throws Exception {
        start().close();
        for (var directory : new Path[] {home, home.resolve("postgres")}) {
            assertThat(Files.getPosixFilePermissions(directory))
                    .as("%s", directory)
                    .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        }
        for (var file : new String[] {"lock", "postgres-password", "postgres.log"}) {
            assertThat(Files.getPosixFilePermissions(home.resolve(file)))
                    .as(file)
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        }
    }

    @Test
    void server_is_durable_and_listens_on_loopback_only() throws Exception {
        var expected = Map.of(
                "fsync", "on",
                "synchronous_commit", "on",
                "full_page_writes", "on",
                "listen_addresses", "127.0.0.1",
                "unix_socket_directories", "");
        try (var postgres = start();
                var connection = connect(postgres)) {
            for (var setting : expected.entrySet()) {
                assertThat(text(connection, "SELECT current_setting('%s')".formatted(setting.getKey())))
                        .as(setting.getKey())
                        .isEqualTo(setting.getValue());
            }
            assertThat(text(connection, "SHOW server_version_num")).startsWith("18");
        }
    }

    @Test
    void close_waits_until_the_server_has_gone_and_may_be_repeated() throws Exception {
        var postgres = start();
        var server = postmaster();
        postgres.close();
        postgres.close();
        assertThat(server.isAlive()).isFalse();
        assertThat(home.resolve("postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void half_unpacked_programs_are_never_used() throws Exception {
        var root = home.resolve("postgres-binaries");
        Files.createDirectories(root.resolve("unpacking-1/bin"));
        Files.createFile(root.resolve("unpacking-1/bin/postgres"));
        EmbeddedPostgres.start(home).close();
        try (var sets = Files.list(root)) {
            assertThat(sets).hasSize(1).noneMatch(set -> set.endsWith("unpacking-1"));
        }
    }

    private boolean initdbIsAtWork() throws IOException {
        if (!Files.isDirectory(home)) {
            return false;
        }
        try (var everything = Files.list(home)) {
            return everything.anyMatch(path -> Files.exists(path.resolve("PG_VERSION")));
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        var deadline = Instant.now().plusSeconds(60);
        while (!condition.call()) {
            assertThat(Instant.now()).isBefore(deadline);
            Thread.onSpinWait();
        }
    }

    private EmbeddedPostgres start() {
        return EmbeddedPostgres.start(home, BINARIES, Map.of());
    }

    private ProcessHandle postmaster() throws IOException {
        var pid = Files.readAllLines(home.resolve("postgres/postmaster.pid")).getFirst();
        return ProcessHandle.of(Long.parseLong(pid.strip())).orElseThrow();
    }

    private static Connection connect(EmbeddedPostgres postgres) throws SQLException {
        return DriverManager.getConnection(postgres.jdbcUrl(), postgres.username(), postgres.password());
    }

    private static int notes(EmbeddedPostgres postgres) throws SQLException {
        try (var connection = connect(postgres)) {
            return Integer.parseInt(text(connection, "SELECT count(*)::text FROM note"));
        }
    }

    private static String text(Connection connection, String query) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(query)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }

    /** A process that starts the database, commits a row, and then lives until it is killed. */
    record Service(Process process) {

        static Service launch(Path home) throws IOException {
            return new Service(new ProcessBuilder(
                            ProcessHandle.current().info().command().orElseThrow(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Service.class.getName(),
                            home.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        }

        static Service start(Path home) throws IOException {
            var service = launch(home);
            var output = service.process().inputReader();
            @Nullable String line;
            while ((line = output.readLine()) != null) {
                if (line.equals("committed")) {
                    return service;
                }
            }
            throw new IllegalStateException("the service ended with exit status "
                    + service.process().onExit().join().exitValue());
        }

        long pid() {
            return process.pid();
        }

        void kill() throws InterruptedException {
            process.destroyForcibly();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }

        public static void main(String[] arguments) throws SQLException, IOException {
            var postgres = EmbeddedPostgres.start(Path.of(arguments[0]), BINARIES, Map.of());
            try (var connection = connect(postgres);
                    var statement = connection.createStatement()) {
                statement.execute("CREATE TABLE note (text text)");
                statement.execute("INSERT INTO note VALUES ('kept')");
            }
            System.out.println("committed");
            // Until killed; or until the test that started it has gone, so that nothing is left behind.
            while (System.in.read() >= 0) {}
            postgres.close();
        }
    }
}
