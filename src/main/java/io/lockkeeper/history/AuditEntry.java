package io.lockkeeper.history;

import com.fasterxml.jackson.annotation.JsonRawValue;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who did what, when and why.
 *
 * @param actor the name of the caller's token
 * @param environments those that it was about; empty for what belongs to none
 * @param before a JSON object: what it was, as far as it changed
 * @param after a JSON object: what it became
 */
public record AuditEntry(
        long id,
        Instant at,
        String actor,
        String action,
        List<String> environments,
        @Nullable Long runId,
        @Nullable String reason,
        @JsonRawValue String before,
        @JsonRawValue String after) {}
