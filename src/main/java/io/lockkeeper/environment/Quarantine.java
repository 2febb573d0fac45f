package io.lockkeeper.environment;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A deployment went wrong and nobody has acknowledged it yet.
 *
 * @param run whose end it was; null once that run is deleted
 */
public record Quarantine(Instant since, @Nullable Long run, String reason) {}
