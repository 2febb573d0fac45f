package io.lockkeeper.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import javax.crypto.SecretKey;

/**
 * The token of the administrator: given by {@code LOCKKEEPER_ADMIN_TOKEN}, or made at the first start and kept in the data
 * directory. Replicas of one service are given the same.
 */
public final class AdminToken {

    static final int MINIMUM_LENGTH = 16;

    private final String secret;
    private final byte[] digest;

    AdminToken(String token) {
        if (!isAcceptable(token)) {
            throw new IllegalArgumentException("An admin token has at least " + MINIMUM_LENGTH
                    + " characters, all printable ASCII without spaces");
        }
        secret = token;
        digest = sha256(token.getBytes(StandardCharsets.US_ASCII));
    }

    static boolean isAcceptable(String token) {
        return token.length() >= MINIMUM_LENGTH
                && token.chars().allMatch(character -> character > ' ' && character < 0x7f);
    }

    /** Compares digests, in constant time: how long it takes tells neither how many characters were right nor the length. */
    boolean matches(String presented) {
        return matchesDigest(sha256(presented.getBytes(StandardCharsets.UTF_8)));
    }

    /** The same for whoever has kept no more of the token than its SHA-256. */
    boolean matchesDigest(byte[] presented) {
        return MessageDigest.isEqual(digest, presented);
    }

    /** A key for one purpose, see {@link KeyDerivation}. */
    SecretKey deriveKey(String purpose, String algorithm) {
        return KeyDerivation.derive(secret, purpose, algorithm);
    }

    /** A token has no place in a log. */
    @Override
    public String toString() {
        return "AdminToken[hidden]";
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
