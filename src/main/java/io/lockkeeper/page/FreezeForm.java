package io.lockkeeper.page;

import io.lockkeeper.coordination.FreezeEnd;
import io.lockkeeper.web.Text;
import jakarta.validation.constraints.NotBlank;
import java.time.Duration;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;

/**
 * Why grants stop, and for how long.
 *
 * @param hours null or 0 for until somebody lifts it
 */
record FreezeForm(
        @NotBlank(message = "is required: it is what those who wait are told") @Text(max = 1000) @Nullable
        String reason,

        @Range(max = 8760, message = "must be between 1 and 8760, or be left empty") @Nullable
        Integer hours) {

    FreezeEnd end() {
        return new FreezeEnd(null, hours == null || hours == 0 ? null : Duration.ofHours(hours));
    }
}
