package io.lockkeeper.security;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Makes and reads the secret of a run, {@code <run id>.<mac>}: whoever has it may wait for, heartbeat, release or cancel
 * that run.
 *
 * <p>The MAC is HMAC-SHA256 over a random nonce that is stored with the run, under the first of the {@link LockTokenKeys}. The
 * database keeps the nonce and the SHA-256 of the MAC, neither of which gives the token away. So
 *
 * <ul>
 *   <li>a stolen database, backup or log of statements contains no usable token;
 *   <li>checking a presented token needs no key, only its digest: other keys do not cut running deployments off;
 *   <li>a repeated request (same idempotency key) is given the same token again, which needs the key it was made with. The stored digest
 *       tells which of the keys that is, or that it is none of them any more.
 * </ul>
 */
@Component
public class LockTokens {

    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    /** 32 bytes are 43 characters; the last one carries only 4 bits, so 16 of the 64 may stand there. */
    private static final Pattern TOKEN = Pattern.compile("([1-9][0-9]{0,18})\\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])");

    private final List<SecretKey> keys;

    LockTokens(LockTokenKeys keys) {
        this.keys = keys.keys();
    }

    /** What is stored with a new run. */
    @SuppressWarnings("ArrayRecordComponent") // Goes into a BYTEA column as it is; nobody compares two Minted.
    public record Minted(UUID nonce, byte[] digest) {}

    /** What a caller showed. It proves nothing until the digest is found to be the one stored with that run. */
    @SuppressWarnings("ArrayRecordComponent") // Goes into a query as it is; nobody compares two Presented.
    public record Presented(long runId, byte[] digest) {}

    public Minted mint() {
        var nonce = UUID.randomUUID();
        return new Minted(nonce, sha256(mac(keys.getFirst(), nonce)));
    }

    /**
     * The token that a run's client is given, when it is minted and whenever it repeats its request.
     *
     * @param nonce as stored with the run, like {@code digest}
     * @return empty when it was made with a key that this service does not have
     */
    public Optional<String> token(long runId, UUID nonce, byte[] digest) {
        return keys.stream()
                .map(key -> mac(key, nonce))
                .filter(mac -> MessageDigest.isEqual(sha256(mac), digest))
                .map(mac -> runId + "." + ENCODER.encodeToString(mac))
                .findFirst();
    }

    /** Reads the header {@code Lock-Token}; empty when it is absent or cannot be a lock token. */
    public static Optional<Presented> parse(@Nullable String header) {
        if (header == null) {
            return Optional.empty();
        }
        var matcher = TOKEN.matcher(header.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        try {
            var runId = Long.parseLong(matcher.group(1));
            return Optional.of(
                    new Presented(runId, sha256(Base64.getUrlDecoder().decode(matcher.group(2)))));
        } catch (NumberFormatException e) {
            // Nineteen digits may exceed what a run id can be.
            return Optional.empty();
        }
    }

    private static byte[] mac(SecretKey key, UUID nonce) {
        try {
            var mac = Mac.getInstance(LockTokenKeys.ALGORITHM);
            mac.init(key);
            return mac.doFinal(ByteBuffer.allocate(16)
                    .putLong(nonce.getMostSignificantBits())
                    .putLong(nonce.getLeastSignificantBits())
                    .array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + LockTokenKeys.ALGORITHM, e);
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
