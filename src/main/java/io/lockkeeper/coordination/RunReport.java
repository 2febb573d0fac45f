package io.lockkeeper.coordination;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run as its client is told of it.
 *
 * @param at when it was read, by the database's clock
 * @param standing null unless it waits
 * @param deploy null unless it was granted
 */
public record RunReport(
        Run run,
        Instant at,
        @Nullable Standing standing,
        @Nullable Deploy deploy) {}
