package io.lockkeeper.security;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authorization.AuthorizationResult;

/**
 * A caller lacks what a path takes, for whoever words the refusal.
 *
 * @param caller the name of the caller
 * @param needed the role that it takes
 * @param environment as the path has it, which may be no possible name; null when the path names none
 * @param everywhere whether it takes a token for all environments
 */
public record AccessRefused(
        String caller, Role needed, @Nullable String environment, boolean everywhere) implements AuthorizationResult {

    @Override
    public boolean isGranted() {
        return false;
    }
}
