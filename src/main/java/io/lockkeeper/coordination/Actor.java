package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/**
 * Who does something beside deploying, and why: what the audit trail keeps.
 *
 * @param name as authenticated
 * @param reason in the person's words; null where none is asked for
 */
public record Actor(String name, @Nullable String reason) {}
