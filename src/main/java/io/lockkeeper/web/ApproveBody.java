package io.lockkeeper.web;

import org.jspecify.annotations.Nullable;

/** What an approver says along. */
record ApproveBody(@Nullable @Text(max = 1000) String comment) {}
