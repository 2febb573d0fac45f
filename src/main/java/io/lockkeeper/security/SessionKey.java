package io.lockkeeper.security;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** What a session keeps of how somebody logged in. Each request finds from it anew who that is and what they may, if anything still. */
sealed interface SessionKey extends Serializable {

    /**
     * Logged in through an identity provider.
     *
     * @param issuer who that is
     * @param nameClaim the claim that the name is from
     * @param name of the person as a caller
     * @param claims of what the provider said, what the rules look at
     * @param at when
     */
    @SuppressWarnings("serial") // Maps and lists of texts, of serializable kinds.
    record OfPerson(String issuer, String nameClaim, String name, Map<String, List<String>> claims, Instant at)
            implements SessionKey {}

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
