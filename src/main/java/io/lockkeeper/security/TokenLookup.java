package io.lockkeeper.security;

import java.util.Optional;
import org.springframework.dao.DataAccessException;

/** Finds who bears a stored token. */
interface TokenLookup {

    /**
     * The bearer of this token; empty for a token that is unknown, has expired or was revoked.
     *
     * @throws DataAccessException if nobody can say at the moment
     */
    Optional<Caller> find(String token);

    /**
     * The bearer of the token with this SHA-256, which a session remembers in place of the token; otherwise as {@link #find}.
     *
     * @throws DataAccessException if nobody can say at the moment
     */
    Optional<Caller> findByDigest(byte[] digest);
}
