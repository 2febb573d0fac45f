package io.lockkeeper.security;

import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code admin-token} in the data directory. Clients hold copies, and the keys of lock tokens are derived from it. */
final class AdminTokenFile {

    private static final Logger log = LoggerFactory.getLogger(AdminTokenFile.class);
    private static final String PREFIX = "lkt_";

    private final SecretFile file;

    AdminTokenFile(Path directory) {
        file = new SecretFile(directory, "admin-token");
    }

    /** Reads the token; makes it when there is none. */
    AdminToken readOrMake() {
        try {
            var token = file.readOrMake(PREFIX);
            if (!AdminToken.isAcceptable(token)) {
                throw new AdminTokenRefused(
                        "The file %s does not hold an admin token: it is empty or damaged.".formatted(file.path()),
                        "Restore it, or set LOCKKEEPER_ADMIN_TOKEN, or delete the file: a new token is made then, which"
                                + " clients must be given.");
            }
            log.info("The admin token is in {}", file.path());
            return new AdminToken(token);
        } catch (IOException e) {
            throw new AdminTokenRefused(
                    "The file %s with the admin token cannot be read or made: %s.".formatted(file.path(), e),
                    "Make the directory readable and writable for the service, name another one with"
                            + " LOCKKEEPER_DATA_DIR, or set LOCKKEEPER_ADMIN_TOKEN.");
        }
    }
}
