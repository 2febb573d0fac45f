package io.lockkeeper.page;

import io.lockkeeper.web.Text;
import jakarta.validation.constraints.NotBlank;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;

/**
 * What takes a lock away from its holder.
 *
 * @param confirm the environment's name, typed by whoever decides
 * @param fencingToken of the grant that the page showed, so that no other is hit
 * @param evenIfAlive also when the holder's client was heard a moment ago
 */
record ForceReleaseForm(
        @NotBlank(message = "is required: type the environment's name") @Text(max = 64) @Nullable
        String confirm,

        @Range(min = 1, message = "is required: reload the page, which has it")
        long fencingToken,

        @NotBlank(message = "is required: it is kept in the audit trail and told to the client")
        @Text(max = 1000)
        @Nullable
        String reason,

        @Nullable Boolean evenIfAlive) {}
