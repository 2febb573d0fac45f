package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/**
 * A run that was skipped in favour of another, as that other one's client sees it.
 *
 * @param covered whether the other one is still to deploy its change
 */
public record BatchedRun(
        RunId id,
        boolean covered,
        @Nullable String sha,
        @Nullable String title,
        @Nullable String user,
        @Nullable String runUrl) {}
