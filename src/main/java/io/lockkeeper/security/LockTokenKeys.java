package io.lockkeeper.security;

import io.lockkeeper.database.StartupRefused;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import javax.crypto.SecretKey;

/**
 * The keys of lock tokens. The first one makes tokens; those that any of them made can be shown again.
 *
 * @param keys 1 to {@value #MOST_KEYS}
 */
record LockTokenKeys(List<SecretKey> keys) {

    static final String ALGORITHM = "HmacSHA256";
    static final int MOST_KEYS = 4;
    static final int MINIMUM_LENGTH = 32;

    /** Stands for the key that the admin token gives, and is too short to be one itself. */
    static final String OF_ADMIN_TOKEN = "admin-token";

    private static final String PURPOSE = "lockkeeper lock token v1";
    private static final String WHAT_TO_DO =
            "Make one with `openssl rand -hex 32`; docs/security.md tells how to change it.";

    LockTokenKeys {
        keys = List.copyOf(keys);
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("without a key there are no lock tokens");
        }
    }

    /** The keys that the setting names, in its order; a setting that makes no sense stops the start. */
    static LockTokenKeys read(List<String> setting, AdminToken adminToken) {
        if (setting.isEmpty() || setting.size() > MOST_KEYS) {
            throw refused("must name 1 to " + MOST_KEYS + " keys, and names " + setting.size() + ".");
        }
        if (new HashSet<>(setting).size() < setting.size()) {
            throw refused("names a key twice.");
        }
        var keys = new ArrayList<SecretKey>();
        for (var i = 0; i < setting.size(); i++) {
            var written = setting.get(i);
            if (written.equals(OF_ADMIN_TOKEN)) {
                keys.add(adminToken.deriveKey(PURPOSE, ALGORITHM));
            } else if (isAcceptable(written)) {
                keys.add(KeyDerivation.derive(written, PURPOSE, ALGORITHM));
            } else {
                throw refused("has an unusable key at place " + (i + 1) + ": a key has at least " + MINIMUM_LENGTH
                        + " characters, all printable ASCII, without spaces and commas.");
            }
        }
        return new LockTokenKeys(keys);
    }

    private static boolean isAcceptable(String key) {
        return key.length() >= MINIMUM_LENGTH
                && key.chars().allMatch(character -> character > ' ' && character < 0x7f && character != ',');
    }

    private static StartupRefused refused(String complaint) {
        return new StartupRefused(
                "LOCKKEEPER_LOCK_TOKEN_KEYS (property lockkeeper.lock-token-keys) " + complaint, WHAT_TO_DO);
    }
}
