package io.lockkeeper.security;

import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.core.Authentication;

/** Comes last: a token that no provider knows is a wrong one. */
final class UnknownTokenProvider implements AuthenticationProvider {

    @Override
    public Authentication authenticate(Authentication presented) {
        throw new BadCredentialsException("Nobody knows this token");
    }

    @Override
    public boolean supports(Class<?> authentication) {
        return BearerToken.class.isAssignableFrom(authentication);
    }
}
