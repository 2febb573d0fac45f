package io.lockkeeper.web;

import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.security.NewApiToken;
import io.lockkeeper.security.Role;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.time.Duration;
import java.util.List;
import org.hibernate.validator.constraints.Range;
import org.hibernate.validator.constraints.UniqueElements;
import org.jspecify.annotations.Nullable;

/**
 * What an admin wants a token to be.
 *
 * @param environments absent: everywhere
 * @param expiresInSeconds at most ten years; absent: never
 */
public record TokenBody(
        @NotNull(message = "is required") @Pattern(regexp = NewApiToken.NAME_PATTERN, message = NewApiToken.NAME_RULE)
        String name,

        @NotNull(message = "is required: one of \"view\", \"deploy\", \"admin\"")
        Role role,

        @Nullable
        @Size(
                min = 1,
                max = NewApiToken.MOST_ENVIRONMENTS,
                message = "must have 1 to 32 patterns, or be left out for all environments")
        @UniqueElements(message = "must not have a pattern twice")
        List<@NotNull(message = "must not be null") @ValidEnvironmentPattern String> environments,

        @Nullable @Range(min = 1, max = 315360000, message = "must be between 1 and 315360000 seconds, or be left out")
        Integer expiresInSeconds) {

    NewApiToken wanted() {
        return new NewApiToken(
                name,
                role,
                environments == null
                        ? EnvironmentPattern.EVERYWHERE
                        : environments.stream().map(EnvironmentPattern::new).toList(),
                expiresInSeconds == null ? null : Duration.ofSeconds(expiresInSeconds));
    }
}
