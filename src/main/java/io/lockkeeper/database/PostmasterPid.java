package io.lockkeeper.database;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code postmaster.pid} of a cluster, by which PostgreSQL keeps two servers off one directory. After a {@code kill -9} it may
 * name a server that still runs, nobody, or an unrelated process. Only who has claimed the data directory may clear that up.
 */
final class PostmasterPid {

    /** Larger than any system gives out (Linux stops at 4194304), so it is never alive. */
    private static final String NOBODY = Integer.toString(Integer.MAX_VALUE);

    private static final Logger log = LoggerFactory.getLogger(PostmasterPid.class);

    private final Path cluster;
    private final Path file;

    private PostmasterPid(Path cluster) {
        this.cluster = cluster;
        this.file = cluster.resolve("postmaster.pid");
    }

    static PostmasterPid in(Path cluster) {
        return new PostmasterPid(cluster);
    }

    boolean exists() {
        return Files.exists(file);
    }

    /** The living process that has the number in the file, whatever it is. */
    Optional<ProcessHandle> process() throws IOException {
        var lines = lines();
        try {
            return lines.isEmpty()
                    ? Optional.empty()
                    : ProcessHandle.of(Long.parseLong(lines.getFirst().strip())).filter(ProcessHandle::isAlive);
        } catch (NumberFormatException damaged) {
            return Optional.empty();
        }
    }

    /** Stops a server that still runs on the cluster, and makes sure that a stale {@code postmaster.pid} does not keep a new one out. */
    void clear(PostgresBinaries binaries) throws IOException {
        var process = process();
        if (process.isPresent() && serves(process.get())) {
            log.info(
                    "Stopping the PostgreSQL (process {}) that a killed Lockkeeper has left in {}.",
                    process.get().pid(),
                    cluster);
            EmbeddedPostgres.stopServer(cluster, binaries);
        } else if (process.isPresent()) {
            // The number was given to an unrelated process since. PostgreSQL takes that one for a server and would
            // refuse to start. Deleting the file would also lose the shared memory key in it, by which PostgreSQL finds
            // out whether sessions of the old server still write; so only the number goes. See CreateLockFile() in its
            // miscinit.c.
            var lines = lines();
            lines.set(0, NOBODY);
            var corrected = cluster.resolve("postmaster.pid.corrected");
            Files.write(corrected, lines);
            Files.move(corrected, file, StandardCopyOption.ATOMIC_MOVE);
        }
        // A number that is nobody's PostgreSQL recognises by itself. A file that a crash left empty it does not, and
        // there is nothing in that to lose.
        if (exists() && lines().isEmpty()) {
            Files.delete(file);
        }
    }

    private List<String> lines() throws IOException {
        try {
            return new ArrayList<>(Files.readAllLines(file));
        } catch (NoSuchFileException gone) {
            return List.of();
        }
    }

    // Where the system does not show us the arguments (Windows, or a process of another user), the program's name has
    // to do.
    private boolean serves(ProcessHandle process) {
        var program = process.info()
                .command()
                .map(command -> Path.of(command).getFileName().toString());
        if (program.filter(name -> name.equals("postgres") || name.equals("postgres.exe"))
                .isEmpty()) {
            return false;
        }
        return process.info()
                .arguments()
                .map(Arrays::asList)
                .map(this::namesCluster)
                .orElse(true);
    }

    private boolean namesCluster(List<String> arguments) {
        return arguments.contains(cluster.toString());
    }
}
