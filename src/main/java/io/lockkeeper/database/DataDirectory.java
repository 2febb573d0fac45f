package io.lockkeeper.database;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The folder that holds an embedded database, claimed for this process. Who has an instance may stop, delete and start what is in it.
 *
 * <p>The claim is a lock of the operating system on the file {@code lock}. It ends with the process however that ends, {@code kill -9}
 * included, which no pid file can promise.
 */
final class DataDirectory implements AutoCloseable {

    /**
     * What this process has claimed. The operating system gives its locks to processes and drops them when the process closes <em>any</em>
     * of its handles of the file, so a second claim from within must be refused before it opens one.
     */
    private static final Set<Path> CLAIMED_HERE = new HashSet<>();

    private final Path path;
    private final FileChannel lockFile;
    private final FileLock lock;

    private DataDirectory(Path path, FileChannel lockFile, FileLock lock) {
        this.path = path;
        this.lockFile = lockFile;
        this.lock = lock;
    }

    /** Claims the folder, which is made (mode 0700) when missing. Refuses when a living process has it. */
    static DataDirectory claim(Path wanted) {
        synchronized (CLAIMED_HERE) {
            try {
                var path = make(wanted);
                if (CLAIMED_HERE.contains(path)) {
                    throw taken(path, Long.toString(ProcessHandle.current().pid()));
                }
                var lockPath = path.resolve("lock");
                var lockFile = FileChannel.open(
                        lockPath,
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                        privately("rw-------"));
                var lock = lockFile.tryLock();
                if (lock == null) {
                    lockFile.close();
                    throw taken(path, Files.readString(lockPath).strip());
                }
                lockFile.truncate(0);
                var pid = ProcessHandle.current().pid() + "\n";
                lockFile.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)));
                CLAIMED_HERE.add(path);
                return new DataDirectory(path, lockFile, lock);
            } catch (IOException fault) {
                throw new StartupRefused(
                        "The data directory %s cannot be used (%s)."
                                .formatted(wanted.toAbsolutePath().normalize(), fault),
                        "Set LOCKKEEPER_DATA_DIR to a directory that this user may write, or LOCKKEEPER_DATABASE_URL to use a PostgreSQL"
                                + " server.",
                        fault);
            }
        }
    }

    Path path() {
        return path;
    }

    /** The path of something in this folder. */
    Path resolve(String name) {
        return path.resolve(name);
    }

    /** Gives the folder back. What ran in it must have stopped before. */
    @Override
    public void close() throws IOException {
        synchronized (CLAIMED_HERE) {
            if (CLAIMED_HERE.remove(path)) {
                lock.release();
                lockFile.close();
            }
        }
    }

    /** File attributes for something that only this user may read, where the file system knows such a thing. */
    static FileAttribute<?>[] privately(String permissions) {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            return new FileAttribute<?>[0];
        }
        return new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        };
    }

    /** Deletes a file or a whole folder; a missing one is fine. Symbolic links are deleted, never followed. */
    static void delete(Path victim) throws IOException {
        if (!Files.exists(victim, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (var everything = Files.walk(victim)) {
            for (var each : everything.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }

    // A folder that was there before keeps its mode: it may be a mounted volume, or something else of the operator's.
    private static Path make(Path wanted) throws IOException {
        var path = wanted.toAbsolutePath().normalize();
        if (!Files.isDirectory(path)) {
            @Nullable Path parent = path.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.createDirectory(path, privately("rwx------"));
        }
        return path.toRealPath();
    }

    private static StartupRefused taken(Path path, String pid) {
        return new StartupRefused(
                "Another Lockkeeper%s is running on the data directory %s."
                        .formatted(pid.isEmpty() ? "" : " (process %s)".formatted(pid), path),
                "Stop it first, or set LOCKKEEPER_DATA_DIR to another directory; to run several replicas, set LOCKKEEPER_DATABASE_URL to a"
                        + " PostgreSQL server that they share.");
    }
}
