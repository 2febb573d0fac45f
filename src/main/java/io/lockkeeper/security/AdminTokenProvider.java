package io.lockkeeper.security;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;

/** Knows the one admin token. Says nothing about any other, so that a provider after it may know that. */
final class AdminTokenProvider implements AuthenticationProvider {

    /** No stored token may have it, so that nobody in the audit trail can be taken for the bearer of this one. */
    static final String NAME = "admin";

    static final Caller CALLER = new Caller(NAME, Role.ADMIN, EnvironmentPattern.EVERYWHERE);

    private final AdminToken adminToken;

    AdminTokenProvider(AdminToken adminToken) {
        this.adminToken = adminToken;
    }

    @Override
    public @Nullable Authentication authenticate(Authentication presented) {
        return presented instanceof BearerToken bearer && adminToken.matches(bearer.token())
                ? new CallerAuthentication(CALLER)
                : null;
    }

    @Override
    public boolean supports(Class<?> authentication) {
        return BearerToken.class.isAssignableFrom(authentication);
    }
}
