package io.lockkeeper.security;

import io.lockkeeper.database.StartupRefused;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/**
 * The keys of Terraform's states. The first one encrypts; what any of them has encrypted can be read. Never derived from another secret, such as
 * the admin token: whoever changes that one would lose the states.
 */
public final class StateKeys {

    public static final String MAC_ALGORITHM = "HmacSHA256";

    static final int MOST_KEYS = 4;
    static final int MINIMUM_LENGTH = 32;

    private static final String FILE = "terraform-state-key";
    private static final String PURPOSE = "lockkeeper terraform state v1 ";
    private static final int ID_BYTES = 8;
    private static final String WHAT_TO_DO =
            "Make one with `openssl rand -hex 32`; docs/terraform.md tells how to change it.";

    private final List<Key> keys;

    private StateKeys(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * What one configured secret gives.
     *
     * @param id names it without giving it away
     * @param content for AES-256
     * @param mac for {@value #MAC_ALGORITHM}
     */
    public record Key(String id, SecretKey content, SecretKey mac) {
        static Key of(String secret) {
            byte[] id =
                    KeyDerivation.derive(secret, PURPOSE + "id", MAC_ALGORITHM).getEncoded();
            return new Key(
                    HexFormat.of().formatHex(Arrays.copyOf(id, ID_BYTES)),
                    KeyDerivation.derive(secret, PURPOSE + "content", "AES"),
                    KeyDerivation.derive(secret, PURPOSE + "mac", MAC_ALGORITHM));
        }

        @Override
        public String toString() {
            return "Key[" + id + "]";
        }
    }

    /**
     * The keys that the setting names, in its order; a setting that makes no sense stops the start.
     *
     * @param directory where one is kept, and made at the first start, when the setting names none; null to do without
     */
    public static StateKeys read(List<String> setting, @Nullable Path directory) {
        if (setting.isEmpty()) {
            return new StateKeys(directory == null ? List.of() : List.of(kept(directory)));
        }
        if (setting.size() > MOST_KEYS) {
            throw refused("must name 1 to " + MOST_KEYS + " keys, and names " + setting.size() + ".");
        }
        if (new HashSet<>(setting).size() < setting.size()) {
            throw refused("names a key twice.");
        }
        var keys = new ArrayList<Key>();
        for (var i = 0; i < setting.size(); i++) {
            if (!isAcceptable(setting.get(i))) {
                throw refused("has an unusable key at place " + (i + 1) + ": a key has at least " + MINIMUM_LENGTH
                        + " characters, all printable ASCII, without spaces and commas.");
            }
            keys.add(Key.of(setting.get(i)));
        }
        return new StateKeys(keys);
    }

    private static Key kept(Path directory) {
        var file = new SecretFile(directory, FILE);
        try {
            var secret = file.readOrMake("");
            if (isAcceptable(secret)) {
                return Key.of(secret);
            }
            throw new StartupRefused(
                    "The file %s does not hold a key: it is empty or damaged.".formatted(file.path()),
                    "Restore it from a backup: Terraform's states cannot be read without it. If there are none, delete the file, and a new"
                            + " key is made.");
        } catch (IOException e) {
            throw new StartupRefused(
                    "The file %s with the key of Terraform's states cannot be read or made: %s."
                            .formatted(file.path(), e),
                    "Make the directory readable and writable for the service, or set LOCKKEEPER_TERRAFORM_STATE_KEYS.",
                    e);
        }
    }

    private static boolean isAcceptable(String key) {
        return key.length() >= MINIMUM_LENGTH
                && key.chars().allMatch(character -> character > ' ' && character < 0x7f && character != ',');
    }

    private static StartupRefused refused(String complaint) {
        return new StartupRefused(
                "LOCKKEEPER_TERRAFORM_STATE_KEYS (property lockkeeper.terraform.state-keys) " + complaint, WHAT_TO_DO);
    }

    /** The one that encrypts; empty when none is configured. */
    public Optional<Key> first() {
        return keys.stream().findFirst();
    }

    public Optional<Key> find(String id) {
        return keys.stream().filter(key -> key.id().equals(id)).findFirst();
    }
}
