package io.lockkeeper.security;

import java.util.Optional;

/**
 * What the log-in page offers beside the form for a token.
 *
 * @param providerName empty: nothing
 */
public record PersonLogin(Optional<String> providerName) {

    /** Where the log-in begins. */
    public String path() {
        return PersonLoginFilter.START_PATH;
    }
}
