package io.lockkeeper.web;

import jakarta.validation.constraints.NotBlank;
import org.jspecify.annotations.Nullable;

/** Why somebody decides as they do. */
record ReasonBody(
        @NotBlank(message = "is required: it is kept in the audit trail") @Text(max = 1000) @Nullable
        String reason) {}
