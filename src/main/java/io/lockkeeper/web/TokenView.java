package io.lockkeeper.web;

import io.lockkeeper.security.ApiToken;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.security.Role;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
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

    /** For people. Begins with the id, which is what another call takes. */
    String sentence() {
        return id + " " + name + ": " + role.name().toLowerCase(Locale.ROOT) + " in " + String.join(", ", environments)
                + ", made " + time(createdAt) + " by " + createdBy
                + (expiresAt == null ? "" : ", good until " + time(expiresAt))
                + (lastUsedAt == null ? ", never used" : ", last used " + time(lastUsedAt))
                + (revokedAt == null ? "" : ", revoked " + time(revokedAt));
    }

    private static Instant time(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS);
    }
}
