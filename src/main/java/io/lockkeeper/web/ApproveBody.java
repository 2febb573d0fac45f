package io.lockkeeper.web;

import org.jspecify.annotations.Nullable;

/** What an approver says along. An absent body is {@link #EMPTY}. */
record ApproveBody(@Nullable @Text(max = 1000) String comment) {
    static final ApproveBody EMPTY = new ApproveBody(null);
}
