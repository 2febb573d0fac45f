package io.lockkeeper.environment;

import java.time.Duration;

/**
 * The rules of one environment.
 *
 * @param lease how long a granted run keeps the lock without a heartbeat, unless its request says otherwise; 5 seconds to a day
 * @param queueTimeout how long a run may wait in the queue, unless its request says otherwise
 * @param batchThreshold with this many runs pending in the lock group a new one is skipped; 0 switches skipping off
 */
public record EnvironmentPolicy(Duration lease, Duration queueTimeout, int batchThreshold) {
    public static final EnvironmentPolicy DEFAULT =
            new EnvironmentPolicy(Duration.ofMinutes(30), Duration.ofHours(1), 3);

    public EnvironmentPolicy {
        if (batchThreshold < 0) {
            throw new IllegalArgumentException("batch_threshold must be 0 or more");
        }
    }
}
