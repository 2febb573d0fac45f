package io.lockkeeper.security;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.AuthenticatedPrincipal;

/**
 * Who made this request. A controller takes it as a parameter.
 *
 * @param name for the audit trail and for people: the token's name, or the issuer and subject of an ID token
 * @param environments where the role counts; at least one
 * @param trusted what an ID token says about the caller's runs
 */
public record Caller(String name, Role role, List<EnvironmentPattern> environments, TrustedClaims trusted)
        implements AuthenticatedPrincipal, Serializable {

    /** A caller who is believed what it says about its runs. */
    public Caller(String name, Role role, List<EnvironmentPattern> environments) {
        this(name, role, environments, TrustedClaims.NONE);
    }

    public Caller {
        if (environments.isEmpty()) {
            throw new IllegalArgumentException("A caller that may nothing anywhere is no caller");
        }
        environments = List.copyOf(environments);
    }

    /**
     * Whether the caller may do in {@code environment} what takes the role {@code needed}. Ask it for every environment that a
     * request names; null asks for what belongs to no environment, for which the role is enough. For what touches every
     * environment, ask {@link #mayEverywhere}.
     */
    public boolean may(Role needed, @Nullable String environment) {
        return role.includes(needed)
                && (environment == null || environments.stream().anyMatch(pattern -> pattern.matches(environment)));
    }

    /** Whether the caller may do what takes the role {@code needed} in every environment, also in those to come. */
    public boolean mayEverywhere(Role needed) {
        return role.includes(needed) && environments.stream().anyMatch(EnvironmentPattern::matchesEverything);
    }

    @Override
    public String getName() {
        return name;
    }
}
