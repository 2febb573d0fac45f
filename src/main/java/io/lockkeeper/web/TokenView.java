package io.lockkeeper.web;

import io.lockkeeper.security.ApiToken;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.security.Role;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A token as admins see it: everything but its secret. */
record TokenView(
        long id,
        String name,
        Role role,
        List<String> environments,
        Instant createdAt,
        String createdBy,
        @Nullable Instant expiresAt,
        @Nullable Instant lastUsedAt,
        @Nullable Instant revokedAt) {

    static TokenView of(ApiToken token) {
        return new TokenView(
                token.id(),
                token.name(),
                token.role(),
                token.environments().stream().map(EnvironmentPattern::text).toList(),
                token.createdAt(),
                token.createdBy(),
                token.expiresAt(),
                token.lastUsedAt(),
                token.revokedAt());
    }
}
