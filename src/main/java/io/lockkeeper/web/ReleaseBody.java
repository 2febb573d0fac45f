package io.lockkeeper.web;

import org.jspecify.annotations.Nullable;

/**
 * How a deployment ended. Every component may be absent (null); an absent body is {@link #EMPTY}.
 *
 * @param status {@code success} when absent
 * @param deployedSha what is live now, when it is not the sha that the grant named
 */
public record ReleaseBody(
        @Nullable Status status,
        @Nullable @Text(min = 1, max = 100) String deployedSha) {

    public static final ReleaseBody EMPTY = new ReleaseBody(null, null);

    public enum Status {
        SUCCESS,
        FAILURE,
        CANCELLED
    }
}
