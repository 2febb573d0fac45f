package io.lockkeeper.security;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.AuthenticatedPrincipal;

/**
 * Who made this request. A controller takes it as a parameter.
 *
 * @param name for the audit trail and for people: the token's name, later an OIDC subject
 */
public record Caller(String name, Role role) implements AuthenticatedPrincipal, Serializable {

    /**
     * Whether the caller may do in {@code environment} what takes the role {@code needed}. Ask it for every environment that a
     * request names; null asks for what belongs to no environment.
     */
    public boolean may(Role needed, @Nullable String environment) {
        // Environment patterns of a token will be consulted here; no token has any yet.
        return role.includes(needed);
    }

    @Override
    public String getName() {
        return name;
    }
}
