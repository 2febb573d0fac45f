package io.lockkeeper.web;

import jakarta.validation.constraints.NotBlank;
import org.jspecify.annotations.Nullable;

/**
 * Why a run goes first.
 *
 * @param passFreeze whether freezes are no longer to hold it back
 */
record PrioritizeBody(
        @NotBlank(message = "is required: it is kept in the audit trail") @Text(max = 1000) @Nullable
        String reason,

        @Nullable Boolean passFreeze) {}
