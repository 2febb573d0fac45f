package io.lockkeeper.security;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.jdbc.CannotGetJdbcConnectionException;

/** Stored tokens without a database, which can be away nevertheless. */
public class FakeTokens implements TokenLookup {

    private final Map<String, Caller> tokens = new ConcurrentHashMap<>();
    private volatile boolean away;

    public void put(String token, Caller caller) {
        tokens.put(token, caller);
    }

    /** Whether every look-up fails from now on. */
    public void setAway(boolean away) {
        this.away = away;
    }

    @Override
    public Optional<Caller> find(String token) {
        if (away) {
            throw new CannotGetJdbcConnectionException("secret of the pool");
        }
        return Optional.ofNullable(tokens.get(token));
    }

    @Override
    public Optional<Caller> findByDigest(byte[] digest) {
        return tokens.keySet().stream()
                .filter(token -> Arrays.equals(digest, SessionKey.OfToken.digest(token)))
                .findFirst()
                .flatMap(this::find);
    }
}
