package io.lockkeeper.security;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code admin-token} in the data directory. It appears whole or not at all, whenever the service is killed, and an
 * existing one is never replaced: clients hold copies, and the keys of lock tokens are derived from it.
 */
final class AdminTokenFile {

    private static final Logger log = LoggerFactory.getLogger(AdminTokenFile.class);
    private static final String PREFIX = "lkt_";

    private final Path directory;
    private final Path file;

    AdminTokenFile(Path directory) {
        this.directory = directory.toAbsolutePath().normalize();
        file = this.directory.resolve("admin-token");
    }

    /** Reads the token; makes it when there is none. */
    AdminToken readOrMake() {
        try {
            if (!Files.exists(file)) {
                make();
            }
            var token = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
            if (!AdminToken.isAcceptable(token)) {
                throw new AdminTokenRefused(
                        "The file %s does not hold an admin token: it is empty or damaged.".formatted(file),
                        "Restore it, or set LOCKKEEPER_ADMIN_TOKEN, or delete the file: a new token is made then, which"
                                + " clients must be given.");
            }
            log.info("The admin token is in {}", file);
            return new AdminToken(token);
        } catch (IOException e) {
            throw new AdminTokenRefused(
                    "The file %s with the admin token cannot be read or made: %s.".formatted(file, e),
                    "Make the directory readable and writable for the service, name another one with"
                            + " LOCKKEEPER_DATA_DIR, or set LOCKKEEPER_ADMIN_TOKEN.");
        }
    }

    private void make() throws IOException {
        Files.createDirectories(directory, permissions("rwx------"));
        var unfinished = directory.resolve("admin-token." + randomText(9));
        try {
            write(unfinished, PREFIX + randomText(32) + "\n");
            // A link, unlike a move, fails when another service that shares the directory was faster; then its token
            // counts.
            Files.createLink(file, unfinished);
        } catch (FileAlreadyExistsException e) {
            log.debug("Another service has just made {}", file);
        } catch (UnsupportedOperationException | FileSystemException e) {
            // A file system without links.
            Files.move(unfinished, file);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void write(Path path, String text) throws IOException {
        var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (var channel = FileChannel.open(path, options, permissions("rw-------"))) {
            var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    /** Given at creation, so that there is no moment in which others may read. Windows has its own way and none is needed. */
    private static FileAttribute<?>[] permissions(String permissions) {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }

    private static String randomText(int bytes) {
        var random = new byte[bytes];
        new SecureRandom().nextBytes(random);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }
}
