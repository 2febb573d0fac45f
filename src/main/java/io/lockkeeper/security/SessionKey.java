package io.lockkeeper.security;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** What a session keeps of how somebody logged in. Each request finds from it anew who that is and what they may, if anything still. */
sealed interface SessionKey extends Serializable {

    /**
     * Logged in with a token.
     *
     * @param digest its SHA-256, as the database has it as well: it opens nothing
     */
    @SuppressWarnings("ArrayRecordComponent") // Goes into a query as it is; nobody compares two of these.
    record OfToken(byte[] digest) implements SessionKey {

        static OfToken of(String token) {
            return new OfToken(digest(token));
        }

        static byte[] digest(String token) {
            try {
                return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every Java platform has SHA-256", e);
            }
        }
    }
}
