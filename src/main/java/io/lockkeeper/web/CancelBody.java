package io.lockkeeper.web;

import org.jspecify.annotations.Nullable;

/** Why a run is to stop. An absent body is {@link #EMPTY}. */
public record CancelBody(@Nullable @Text(max = 1000) String reason) {

    public static final CancelBody EMPTY = new CancelBody(null);
}
