package io.lockkeeper.history;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run as the history tells it. The fields that a run's own answer has as well mean the same.
 *
 * @param environment the first of its environments
 * @param reason of an ended run, why it ended as it did; of a pending one, what its caller said
 * @param started when it was granted
 * @param waitSeconds from its creation to its grant; null when it was never granted
 * @param durationSeconds from its grant to its end; null before that
 * @param caller whose token acquired it
 */
public record PastRun(
        long id,
        String environment,
        List<String> environments,
        String status,
        @Nullable String reason,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant completed,
        @Nullable Long waitSeconds,
        @Nullable Long durationSeconds,
        @Nullable Long fencingToken,
        @Nullable Long batchedInto,
        @Nullable Boolean covered,
        @Nullable Long shippedBy,
        @Nullable String skipReason,
        @Nullable Long supersededBy,
        String priority,
        String coverage,
        String caller,
        @Nullable String sha,
        @Nullable String ref,
        @Nullable String repository,
        @Nullable String title,
        @Nullable String tier,
        @Nullable String user,
        @Nullable String hostname,
        @Nullable Integer pid,
        @Nullable String command,
        @Nullable String source,
        @Nullable String runUrl,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> trusted,
        @Nullable String deployedSha) {

    static @Nullable Long seconds(@Nullable Instant from, @Nullable Instant to) {
        return from == null || to == null ? null : Duration.between(from, to).toSeconds();
    }
}
