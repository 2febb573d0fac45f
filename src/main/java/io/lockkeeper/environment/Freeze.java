package io.lockkeeper.environment;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Nothing is granted for now.
 *
 * @param until when it lifts itself; null for when somebody lifts it
 * @param by who froze; null for a window of the policy
 * @param everywhere whether it is the freeze of all environments
 */
public record Freeze(
        String reason, @Nullable Instant until, @Nullable String by, boolean everywhere) {

    boolean holdsAt(Instant at) {
        return until == null || at.isBefore(until);
    }

    boolean outlasts(Freeze other) {
        return until == null || (other.until != null && until.isAfter(other.until));
    }
}
