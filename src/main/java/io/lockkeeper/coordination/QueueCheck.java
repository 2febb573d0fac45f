package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/**
 * What an acquire would come to now.
 *
 * @param queueLength pending runs of the lock group, the running one included; of the longest with several groups
 * @param into the run that it would be skipped for, null when it would not
 * @param covered whether that run would deploy the newest sha
 * @param reason null when it would not be skipped
 */
public record QueueCheck(
        int queueLength,
        @Nullable RunId into,
        boolean covered,
        @Nullable SkipReason reason) {}
