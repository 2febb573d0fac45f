package io.lockkeeper.security;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may call.
 *
 * @param adminToken The administrator's token: at least 16 printable ASCII characters without spaces. When it is not set, one
 *     is made at the first start and kept in the data directory. Replicas of one service need the same.
 * @param lockTokenKeys The secrets that lock tokens are made with, at least 32 printable ASCII characters each, at most 4, with commas
 *     between them; "admin-token" stands for one that is derived from the admin token. The first makes new tokens; those of all can be
 *     shown again to a client that repeats its request. Replicas need the same.
 * @param dataDir Directory of the file "admin-token", and of the embedded database. Made when it is missing.
 */
@ConfigurationProperties("lockkeeper")
record SecurityProperties(
        @Nullable String adminToken,
        @DefaultValue(LockTokenKeys.OF_ADMIN_TOKEN) List<String> lockTokenKeys,
        @DefaultValue(".lockkeeper") String dataDir) {

    Path dataDirectory() {
        return Path.of(dataDir);
    }

    /** Without the secrets: properties are printed in places nobody thinks of. */
    @Override
    public String toString() {
        return "SecurityProperties[dataDir=" + dataDir + "]";
    }
}
