package io.lockkeeper.service;

import static org.awaitility.Awaitility.await;

import io.lockkeeper.database.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Two PostgreSQL servers, of which the second repeats what the first does before the first says that it is done. */
final class PrimaryAndStandby implements AutoCloseable {
    private static final Path BINARIES = Path.of("target", "test-postgres", "binaries");
    private static final Map<String, String> SETTINGS = Map.of("fsync", "off");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path directory;
    private final EmbeddedPostgres primary;
    private final EmbeddedPostgres standby;

    private PrimaryAndStandby(Path directory) throws IOException {
        this.directory = directory;
        // The copy is of a server that is stopped: no backup protocol is needed then.
        EmbeddedPostgres.start(home("primary"), BINARIES, SETTINGS).close();
        copy(home("primary"), home("standby"));
        this.primary = EmbeddedPostgres.start(home("primary"), BINARIES, SETTINGS);
        Files.createFile(home("standby").resolve("postgres/standby.signal"));
        Files.writeString(
                home("standby").resolve("postgres/postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%d user=%s password=%s'\n"
                        .formatted(port(primary), primary.username(), primary.password()),
                StandardOpenOption.APPEND);
        this.standby = EmbeddedPostgres.start(home("standby"), BINARIES, SETTINGS);
    }

    static PrimaryAndStandby start(Path directory) throws IOException {
        var both = new PrimaryAndStandby(directory);
        var jdbc = JdbcClient.create(both.dataSource(both.primary));
        jdbc.sql("ALTER SYSTEM SET synchronous_standby_names = '*'").update();
        jdbc.sql("SELECT pg_reload_conf()").query(Boolean.class).single();
        await().atMost(PATIENCE)
                .until(() -> jdbc.sql("SELECT sync_state FROM pg_stat_replication")
                        .query(String.class)
                        .list()
                        .equals(List.of("sync")));
        return both;
    }

    /** As the documentation tells operators to write it. */
    String url() {
        return "postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres?target_session_attrs=read-write"
                .formatted(port(primary), port(standby));
    }

    String username() {
        return primary.username();
    }

    String password() {
        return primary.password();
    }

    DataSource standby() {
        return dataSource(standby);
    }

    /**
     * Has the standby hear nothing until writers wait for it, and kills the primary then: what these wrote is on its disk and nowhere else. Then promotes
     * the standby.
     */
    void failOver() throws IOException, InterruptedException {
        long receiver = JdbcClient.create(standby())
                .sql("SELECT pid FROM pg_stat_wal_receiver")
                .query(Long.class)
                .single();
        signal("STOP", receiver);
        await().atMost(PATIENCE).until(() -> writersThatWaitForTheStandby() > 1);
        killPrimary();
        signal("KILL", receiver); // With what it had not read yet: a machine that fails takes its sockets along.
        await().atMost(PATIENCE)
                .ignoreExceptions() // A killed process makes the server start all others anew.
                .until(() -> JdbcClient.create(standby())
                        .sql("SELECT pg_promote()")
                        .query(Boolean.class)
                        .single());
    }

    private int writersThatWaitForTheStandby() {
        return JdbcClient.create(dataSource(primary))
                .sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
                .query(Integer.class)
                .single();
    }

    @Override
    public void close() {
        primary.close();
        standby.close();
    }

    private void killPrimary() throws IOException {
        var pidFile = home("primary").resolve("postgres/postmaster.pid");
        var postmaster = ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(pidFile).getFirst().strip()))
                .orElseThrow();
        var all = Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(process -> process.onExit().join());
    }

    private static void signal(String signal, long process) throws IOException, InterruptedException {
        int status = new ProcessBuilder("kill", "-" + signal, Long.toString(process))
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("process " + process + " cannot be sent " + signal);
        }
    }

    private Path home(String name) {
        return directory.resolve(name);
    }

    private static int port(EmbeddedPostgres server) {
        return Integer.parseInt(server.jdbcUrl().replaceFirst(".*:(\\d+)/.*", "$1"));
    }

    private DataSource dataSource(EmbeddedPostgres server) {
        var dataSource = new PGSimpleDataSource();
        dataSource.setUrl(server.jdbcUrl());
        dataSource.setUser(server.username());
        dataSource.setPassword(primary.password());
        return dataSource;
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var everything = Files.walk(from)) {
            everything.forEach(path -> {
                try {
                    Files.copy(path, to.resolve(from.relativize(path).toString()), StandardCopyOption.COPY_ATTRIBUTES);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
