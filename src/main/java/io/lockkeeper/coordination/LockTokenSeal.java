package io.lockkeeper.coordination;

import java.util.UUID;

/**
 * What is stored of a run's lock token: enough to check one and, together with a key that is not stored, to derive it again.
 *
 * @param nonce what the token was derived from
 * @param digest SHA-256 of the token's secret part
 */
public record LockTokenSeal(UUID nonce, Sha256 digest) {}
