package io.lockkeeper.terraform;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.StateKeys;
import io.lockkeeper.web.Problem;
import io.lockkeeper.web.ProblemException;
import io.lockkeeper.web.ProblemType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Encrypts and decrypts states: AES-256-GCM with a random nonce, bound to their environment and version, so that a row that was put in the place
 * of another does not decrypt. A key may encrypt 2^32 states before two nonces are likely to be the same (NIST SP 800-38D, section
 * 8.3).
 */
final class StateCipher {
    private static final String ALGORITHM = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final StateKeys keys;
    private final SecureRandom random = new SecureRandom();

    StateCipher(StateKeys keys) {
        this.keys = keys;
    }

    /**
     * A state as it is stored.
     *
     * @param keyId of the key that it takes to read it
     * @param content the nonce, and what the cipher made of it
     */
    @SuppressWarnings("ArrayRecordComponent") // Goes into a BYTEA column as it is.
    record Sealed(String keyId, byte[] content) {}

    /**
     * The key that encrypts.
     *
     * @throws ProblemException if none is configured. Its status is one that Terraform does not try again
     */
    StateKeys.Key key() {
        return keys.first()
                .orElseThrow(() -> Problem.of(
                                ProblemType.STATE_KEY_MISSING,
                                "This service has no key to encrypt Terraform's states with. Set LOCKKEEPER_TERRAFORM_STATE_KEYS, on all"
                                        + " replicas the same, for example to the output of openssl rand -hex 32, and keep it: without it"
                                        + " the states cannot be read.")
                        .asException());
    }

    /** For {@link StateUpload}; each is used once. */
    Mac mac() {
        try {
            Mac mac = Mac.getInstance(StateKeys.MAC_ALGORITHM);
            mac.init(key().mac());
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + StateKeys.MAC_ALGORITHM, e);
        }
    }

    Sealed seal(EnvironmentName environment, long version, byte[] plain) {
        StateKeys.Key key = key();
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key.content(), nonce, environment, version);
            ByteBuffer content = ByteBuffer.allocate(NONCE_BYTES + cipher.getOutputSize(plain.length))
                    .put(nonce);
            cipher.doFinal(ByteBuffer.wrap(plain), content);
            return new Sealed(key.id(), content.array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("A state cannot be encrypted", e);
        }
    }

    /**
     * The reverse.
     *
     * @throws ProblemException if the key is none of those configured
     * @throws IllegalStateException if the content is not what was stored there: somebody changed or moved it, or the disk did
     */
    byte[] open(EnvironmentName environment, long version, Sealed sealed) {
        StateKeys.Key key = keys.find(sealed.keyId())
                .orElseThrow(() -> Problem.of(
                                ProblemType.STATE_KEY_MISSING,
                                "Version " + version + " of the state of " + environment
                                        + " was encrypted with the key "
                                        + sealed.keyId()
                                        + ", which this service does not have. Add it to LOCKKEEPER_TERRAFORM_STATE_KEYS, after the one"
                                        + " that is to encrypt.")
                        .with("key_id", sealed.keyId())
                        .asException());
        ByteBuffer content = ByteBuffer.wrap(sealed.content());
        byte[] nonce = new byte[NONCE_BYTES];
        content.get(nonce);
        try {
            return cipher(Cipher.DECRYPT_MODE, key.content(), nonce, environment, version)
                    .doFinal(sealed.content(), NONCE_BYTES, content.remaining());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "version " + version + " of the state of " + environment
                            + " is damaged, or not the one that was stored there",
                    e);
        }
    }

    private static Cipher cipher(int mode, SecretKey key, byte[] nonce, EnvironmentName environment, long version)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(ALGORITHM);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(
                ("lockkeeper terraform state\n" + environment + "\n" + version).getBytes(StandardCharsets.US_ASCII));
        return cipher;
    }
}
