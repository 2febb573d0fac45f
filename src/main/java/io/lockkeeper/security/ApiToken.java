package io.lockkeeper.security;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stored token, without its secret, which nobody has but its bearer.
 *
 * @param createdBy the name of the caller who made it
 * @param expiresAt null when it never does
 * @param lastUsedAt to the minute; null before the first use
 * @param revokedAt null while it is not
 */
public record ApiToken(
        long id,
        String name,
        Role role,
        List<EnvironmentPattern> environments,
        Instant createdAt,
        String createdBy,
        @Nullable Instant expiresAt,
        @Nullable Instant lastUsedAt,
        @Nullable Instant revokedAt) {}
