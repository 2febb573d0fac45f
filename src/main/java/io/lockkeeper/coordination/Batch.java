package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/**
 * The receipt of a skipped run.
 *
 * @param into the queued run that was to include the change
 * @param covered whether that run promised to deploy the newest sha it is told
 * @param shippedBy the run that did deploy the change, null until one has
 */
public record Batch(RunId into, boolean covered, @Nullable RunId shippedBy, SkipReason reason) {}
