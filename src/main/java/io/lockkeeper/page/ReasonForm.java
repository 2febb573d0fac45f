package io.lockkeeper.page;

import io.lockkeeper.web.Text;
import jakarta.validation.constraints.NotBlank;
import org.jspecify.annotations.Nullable;

/** Why somebody decides as they do. */
record ReasonForm(
        @NotBlank(message = "is required: it is kept in the audit trail") @Text(max = 1000) @Nullable
        String reason) {}
