package io.lockkeeper.terraform;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one version of a state without its content.
 *
 * @param version grows by one with each
 * @param by the caller that wrote it
 * @param runId the run that held the lock; null when it was written without one, or the run is no more
 * @param restoredFrom the version that it has the content of, null unless somebody went back
 * @param serial Terraform's own count; null, like the rest of what Terraform says, where the state was deleted
 */
record StateVersion(
        long version,
        Instant created,
        String by,
        @Nullable Long runId,
        @Nullable String lockId,
        @Nullable Long restoredFrom,
        boolean deleted,
        @Nullable Long serial,
        @Nullable String lineage,
        @Nullable String terraformVersion,
        @Nullable Integer sizeBytes) {}
