package io.lockkeeper.history;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What became of the runs that ended in a window of time.
 *
 * @param environment null for all environments that the caller may see
 * @param runs how many ended
 * @param deployments those of them that had the lock and whose client knew of it
 * @param counts how many ended in each status, all of them named
 * @param successRate deployments that ended as {@code success}, of all deployments; null when there were none
 * @param skipRate runs that were skipped, of all runs; null when there were none
 * @param timeoutRate runs that waited too long, of all runs; null when there were none
 * @param orphanRate deployments whose lease ran out, of all deployments; null when there were none
 * @param waited of the deployments, from the creation of the run to its grant
 * @param duration of the deployments, from the grant to the end
 */
public record Statistics(
        @Nullable String environment,
        long windowSeconds,
        Instant since,
        Instant until,
        long runs,
        long deployments,
        SequencedMap<String, Long> counts,
        @Nullable Double successRate,
        @Nullable Double skipRate,
        @Nullable Double timeoutRate,
        @Nullable Double orphanRate,
        @JsonProperty("wait") Spread waited,
        Spread duration) {

    public Statistics {
        counts = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(counts));
    }

    /**
     * How some times spread, in whole seconds; all null when there are none.
     *
     * @param p50Seconds the median: half of them were shorter
     * @param p95Seconds one in twenty was longer
     */
    public record Spread(
            @Nullable Long avgSeconds,
            @Nullable Long p50Seconds,
            @Nullable Long p95Seconds) {}

    /** With four digits; null when there is nothing to divide by. */
    static @Nullable Double rate(long part, long whole) {
        return whole == 0 ? null : Math.round(part * 10_000.0 / whole) / 10_000.0;
    }
}
