package io.lockkeeper.database;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server of our own, kept in a data directory: durable, reachable from this machine only and only with its password.
 *
 * <p>It is a process of its own that outlives a {@code kill -9} of this one. The next start on the same directory finds it and stops
 * it before starting anew. In the data directory:
 *
 * <pre>
 *   lock                the claim; see {@link DataDirectory}
 *   postgres/           the database cluster
 *   postgres-password   of user {@code postgres}, mode 0600
 *   postgres.log        what the server says
 *   postgres-binaries/  the programs
 * </pre>
 */
public final class EmbeddedPostgres implements AutoCloseable {

    /** Starting includes the recovery after a crash, which replays what was written since the last checkpoint (five minutes apart). */
    private static final int START_TIMEOUT_SECONDS = 300;

    private static final int STOP_TIMEOUT_SECONDS = 30;
    private static final int START_ATTEMPTS = 5;
    private static final long LOG_BYTES_KEPT = 8 << 20;
    private static final String USER = "postgres";
    private static final String UNFINISHED = "postgres-unfinished-";
    private static final Logger log = LoggerFactory.getLogger(EmbeddedPostgres.class);

    private final DataDirectory home;
    private final PostgresBinaries binaries;
    private final Path cluster;
    private final Path passwordFile;
    private int port;
    private boolean closed;

    private EmbeddedPostgres(DataDirectory home, PostgresBinaries binaries) {
        this.home = home;
        this.binaries = binaries;
        this.cluster = home.resolve("postgres");
        this.passwordFile = home.resolve("postgres-password");
    }

    /** Starts the server of this data directory, which is made when missing. Refuses with a sentence when it cannot. */
    public static EmbeddedPostgres start(Path dataDirectory) {
        return start(dataDirectory, null, Map.of());
    }

    /**
     * The same with differences, for tests.
     *
     * @param sharedBinaries where to keep the unpacked programs instead of in the data directory; others may use it at the same time
     * @param settings server settings that differ from ours; plain values, without blanks
     */
    public static EmbeddedPostgres start(
            Path dataDirectory, @Nullable Path sharedBinaries, Map<String, String> settings) {
        PostgresBinaries.requirePacked();
        var home = DataDirectory.claim(dataDirectory);
        @Nullable EmbeddedPostgres started = null;
        try {
            var root = sharedBinaries != null ? sharedBinaries : home.resolve("postgres-binaries");
            var binaries = PostgresBinaries.unpackedIn(root);
            var postgres = new EmbeddedPostgres(home, binaries);
            PostmasterPid.in(postgres.cluster).clear(binaries);
            if (sharedBinaries == null) {
                binaries.deleteOthersIn(root);
            }
            postgres.makeClusterUnlessThere();
            postgres.startServer(settings);
            started = postgres;
            return postgres;
        } catch (IOException fault) {
            throw new StartupRefused(
                    "The embedded PostgreSQL in %s cannot be started (%s).".formatted(home.path(), fault),
                    "Set LOCKKEEPER_DATA_DIR to a directory on a disk with room, where this user may write and run programs, or"
                            + " LOCKKEEPER_DATABASE_URL to a PostgreSQL server.",
                    fault);
        } finally {
            if (started == null) {
                giveBack(home);
            }
        }
    }

    public String jdbcUrl() {
        return jdbcUrl("postgres");
    }

    /** The address of one of its databases. */
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database);
    }

    public String username() {
        return USER;
    }

    public String password() {
        try {
            return Files.readString(passwordFile).strip();
        } catch (IOException fault) {
            throw new StartupRefused(
                    "The password of the embedded PostgreSQL cannot be read from %s (%s)."
                            .formatted(passwordFile, fault),
                    "Make the file readable for this user, or put it back from a backup.",
                    fault);
        }
    }

    /** Stops the server, waits until it has gone, and gives the data directory back. Repeating it is harmless. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            stopServer(cluster, binaries);
        } catch (IOException fault) {
            log.warn(
                    "The embedded PostgreSQL in {} did not stop: {}. The next start will stop it.",
                    cluster,
                    fault.toString());
        } finally {
            giveBack(home);
        }
    }

    /** Stops the server of a cluster: its sessions are cut off and it writes a checkpoint, or, when that takes too long, does not. */
    static void stopServer(Path cluster, PostgresBinaries binaries) throws IOException {
        var pidFile = PostmasterPid.in(cluster);
        @Nullable String complaint = null;
        for (var mode : List.of("fast", "immediate")) {
            var process = pidFile.process();
            if (!pidFile.exists()) {
                return;
            }
            complaint = binaries.run(
                    "pg_ctl",
                    List.of("stop", "-D", cluster.toString(), "-m", mode, "-w", "-t", "" + STOP_TIMEOUT_SECONDS),
                    STOP_TIMEOUT_SECONDS + 5);
            if (complaint == null) {
                // pg_ctl waits for the file to go, which is the last but one thing that the server does.
                process.ifPresent(EmbeddedPostgres::awaitEnd);
                return;
            }
        }
        if (pidFile.exists()) {
            throw new IOException(complaint);
        }
    }

    private static void awaitEnd(ProcessHandle process) {
        try {
            process.onExit().get(5, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException fault) {
            // It has shut the database down and closed it; only its number is still taken.
            log.debug("Process {} is still listed.", process.pid(), fault);
        }
    }

    // The cluster gets its name once initdb has finished, so what has that name is whole. What an interrupted start has
    // left keeps its own name: an initdb that outlives its Lockkeeper still writes there, and deletes it when it fails.
    private void makeClusterUnlessThere() throws IOException {
        deleteUnfinished();
        if (Files.exists(cluster.resolve("PG_VERSION"))) {
            refuseOtherMajorVersion();
            refuseWithoutPassword();
            return;
        }
        log.info("Making an embedded PostgreSQL database in {}.", cluster);
        var unfinished = Files.createTempDirectory(home.path(), UNFINISHED);
        var newPassword =
                Files.createFile(unfinished.resolveSibling(unfinished.getFileName() + ".password"), privately());
        Files.writeString(newPassword, randomPassword() + "\n");
        var complaint = binaries.run(
                "initdb",
                List.of(
                        "--pgdata=" + unfinished,
                        "--username=" + USER,
                        "--pwfile=" + newPassword,
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        // The same order of strings on every machine, and messages that can be searched for.
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        "--locale=C"),
                START_TIMEOUT_SECONDS);
        if (complaint != null) {
            throw new IOException("initdb: " + lastLine(complaint));
        }
        Files.move(newPassword, passwordFile, StandardCopyOption.ATOMIC_MOVE);
        // Fails when something that is no database has this name; we do not delete what we did not make.
        Files.move(unfinished, cluster, StandardCopyOption.ATOMIC_MOVE);
    }

    private void deleteUnfinished() throws IOException {
        try (var everything = Files.list(home.path())) {
            for (var each : everything
                    .filter(path -> path.getFileName().toString().startsWith(UNFINISHED))
                    .toList()) {
                try {
                    DataDirectory.delete(each);
                } catch (IOException | UncheckedIOException busy) {
                    // An initdb that its killed service left behind still writes there.
                    log.debug("{} is left for the next start.", each, busy);
                }
            }
        }
    }

    private static FileAttribute<?>[] privately() {
        return DataDirectory.privately("rw-------");
    }

    private void refuseWithoutPassword() {
        if (!Files.exists(passwordFile)) {
            throw new StartupRefused(
                    "The database in %s is there, but the file with its password, %s, is missing."
                            .formatted(cluster, passwordFile),
                    "Put the file back from a backup, or set LOCKKEEPER_DATA_DIR to a new directory to start with an empty"
                            + " database.");
        }
    }

    private void refuseOtherMajorVersion() throws IOException {
        var found = Files.readString(cluster.resolve("PG_VERSION")).strip();
        if (!found.equals("18")) {
            throw new StartupRefused(
                    "The database in %s was made by PostgreSQL %s, and this Lockkeeper runs PostgreSQL 18."
                            .formatted(cluster, found),
                    "Move its data with that version's pg_dump, start the Lockkeeper that made it, or set LOCKKEEPER_DATA_DIR to a new"
                            + " directory to start with an empty database.");
        }
    }

    private void startServer(Map<String, String> settings) throws IOException {
        var logFile = home.resolve("postgres.log");
        if (Files.exists(logFile) && Files.size(logFile) > LOG_BYTES_KEPT) {
            Files.move(logFile, home.resolve("postgres.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        for (int attempt = 1; ; attempt++) {
            var logged = Files.exists(logFile) ? Files.size(logFile) : 0;
            port = freePort();
            // pg_ctl rather than postgres itself: it gives the server a session of its own, which keeps Control-C in
            // the terminal from stopping it under the feet of requests that are still being answered.
            var complaint = binaries.run(
                    "pg_ctl",
                    List.of(
                            "start",
                            "-D",
                            cluster.toString(),
                            "-l",
                            logFile.toString(),
                            "-o",
                            options(settings),
                            "-w",
                            "-t",
                            "" + START_TIMEOUT_SECONDS),
                    START_TIMEOUT_SECONDS + 5);
            if (complaint == null) {
                return;
            }
            stopServer(cluster, binaries);
            var said = Files.exists(logFile) ? since(logged, logFile) : "";
            // The port was taken since we looked, or a Lockkeeper was killed so early that its server had no pid file
            // yet.
            var passes = said.contains("could not create any TCP/IP sockets")
                    || said.contains("lock file \"postmaster.pid\" already exists");
            if (!passes || attempt == START_ATTEMPTS) {
                throw new IOException(lastLine(said.isBlank() ? complaint : said));
            }
        }
    }

    private static String since(long offset, Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        int from = (int) Math.min(offset, all.length);
        return new String(all, from, all.length - from, StandardCharsets.UTF_8);
    }

    private String options(Map<String, String> differing) {
        var settings = new LinkedHashMap<String, String>();
        settings.put("port", Integer.toString(port));
        settings.put("listen_addresses", "127.0.0.1");
        settings.put("unix_socket_directories", "");
        // A state change that a client was told about survives a power failure (invariants 7 and 12).
        settings.put("fsync", "on");
        settings.put("synchronous_commit", "on");
        settings.put("full_page_writes", "on");
        settings.put("timezone", "UTC");
        settings.put("log_timezone", "UTC");
        settings.put("log_checkpoints", "off");
        settings.putAll(differing);
        var options = new StringBuilder();
        settings.forEach(
                (name, value) -> options.append(" -c ").append(name).append('=').append(value));
        return options.toString().strip();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
            return socket.getLocalPort();
        }
    }

    private static String randomPassword() {
        var bytes = new byte[24];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String lastLine(String text) {
        var lines = text.strip().lines().toList();
        return lines.isEmpty() ? "it said nothing" : lines.getLast();
    }

    private static void giveBack(DataDirectory home) {
        try {
            home.close();
        } catch (IOException fault) {
            // The lock ends with this process anyway.
            log.debug("The lock on {} was not released.", home.path(), fault);
        }
    }
}
