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
 * A file in the data directory with one secret, which only its owner may read. It appears whole or not at all, whenever the service is
 * killed, and an existing one is never replaced.
 */
final class SecretFile {

    private static final Logger log = LoggerFactory.getLogger(SecretFile.class);

    private final Path directory;
    private final Path file;

    SecretFile(Path directory, String name) {
        this.directory = directory.toAbsolutePath().normalize();
        file = this.directory.resolve(name);
    }

    Path path() {
        return file;
    }

    /** What is in it, without spaces around; 32 random bytes behind a prefix are made when there is none. */
    String readOrMake(String prefix) throws IOException {
        if (!Files.exists(file)) {
            make(prefix);
        }
        return Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    }

    private void make(String prefix) throws IOException {
        Files.createDirectories(directory, permissions("rwx------"));
        var unfinished = directory.resolve(file.getFileName() + "." + randomText(9));
        try {
            write(unfinished, prefix + randomText(32) + "\n");
            // A link, unlike a move, fails when another service that shares the directory was faster; then its secret
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
