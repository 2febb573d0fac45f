package io.lockkeeper.security;

import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.InternalAuthenticationServiceException;
import org.springframework.security.core.Authentication;

/** Knows the stored tokens. Says nothing about any other, nor about those that have expired or were revoked. */
final class ApiTokenProvider implements AuthenticationProvider {

    private final TokenLookup tokens;

    ApiTokenProvider(TokenLookup tokens) {
        this.tokens = tokens;
    }

    /**
     * Asks each time.
     *
     * @throws InternalAuthenticationServiceException if the database cannot be asked. This type alone ends the chain of providers: after
     *     any other the next one would be asked, which calls the token a wrong one, and a client would throw a good token away.
     */
    @Override
    public @Nullable Authentication authenticate(Authentication presented) {
        if (!(presented instanceof BearerToken bearer)) {
            return null;
        }
        try {
            return tokens.find(bearer.token()).map(CallerAuthentication::new).orElse(null);
        } catch (DataAccessException e) {
            throw new InternalAuthenticationServiceException("The token cannot be looked up", e);
        }
    }

    @Override
    public boolean supports(Class<?> authentication) {
        return BearerToken.class.isAssignableFrom(authentication);
    }
}
