package io.lockkeeper.web;

import io.lockkeeper.coordination.FreezeEnd;
import jakarta.validation.constraints.NotBlank;
import java.time.Duration;
import java.time.Instant;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;

/**
 * Why grants stop, and for how long.
 *
 * @param until when the freeze lifts itself; without it and without {@code durationSeconds}, when somebody lifts it
 * @param durationSeconds the same as a time from now
 */
record FreezeBody(
        @NotBlank(message = "is required: it is what those who wait are told") @Text(max = 1000) @Nullable
        String reason,

        @Nullable Instant until,

        @Nullable @Range(min = 1, max = 31_536_000, message = "must be between 1 and 31536000 seconds")
        Integer durationSeconds) {

    FreezeEnd end() {
        if (until != null && durationSeconds != null) {
            throw Problem.invalidField("until", "Give until or duration_seconds, not both.")
                    .asException();
        }
        return new FreezeEnd(until, durationSeconds == null ? null : Duration.ofSeconds(durationSeconds));
    }
}
