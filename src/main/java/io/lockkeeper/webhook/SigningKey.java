package io.lockkeeper.webhook;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A key that receivers know, too: {@code whsec_} and the base64 of 24 to 64 bytes, as Standard Webhooks writes it. */
final class SigningKey {
    private static final String PREFIX = "whsec_";
    private static final int LEAST_BYTES = 24;
    private static final int MOST_BYTES = 64;
    private static final String ALGORITHM = "HmacSHA256";

    private final SecretKeySpec key;

    private SigningKey(byte[] bytes) {
        key = new SecretKeySpec(bytes, ALGORITHM);
    }

    /** Empty when the text is none. */
    static Optional<SigningKey> parse(String text) {
        if (!text.startsWith(PREFIX)) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(text.substring(PREFIX.length()));
            return bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES
                    ? Optional.of(new SigningKey(bytes))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Not base64. The exception would show a part of the secret.
        }
    }

    /** One signature in the form of the header {@code webhook-signature}: version 1, over id, time and body. */
    String sign(String id, long timestamp, String body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            byte[] signed = (id + "." + timestamp + "." + body).getBytes(StandardCharsets.UTF_8);
            return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(signed));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
    }

    @Override
    public String toString() {
        return "SigningKey[hidden]";
    }
}
