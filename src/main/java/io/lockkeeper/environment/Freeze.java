package io.lockkeeper.environment;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Nothing is granted for now.
 *
 * @param until when it lifts itself; null for when somebody lifts it
 * @param by who froze; null for a window of the policy
 */
public record Freeze(
        String reason, @Nullable Instant until, @Nullable String by) {}
