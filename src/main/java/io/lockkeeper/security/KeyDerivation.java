package io.lockkeeper.security;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;

/** Makes keys of configured secrets: HKDF-SHA256 (RFC 5869). */
final class KeyDerivation {

    private KeyDerivation() {}

    /**
     * A key for one purpose, from which neither the secret nor the key of another purpose can be found.
     *
     * @param algorithm what the key is for, as Java names it
     */
    static SecretKey derive(String secret, String purpose, String algorithm) {
        try {
            var parameters = HKDFParameterSpec.ofExtract()
                    .addIKM(secret.getBytes(StandardCharsets.US_ASCII))
                    .thenExpand(purpose.getBytes(StandardCharsets.US_ASCII), 32);
            return KDF.getInstance("HKDF-SHA256").deriveKey(algorithm, parameters);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every JDK 25 has HKDF-SHA256", e);
        }
    }
}
