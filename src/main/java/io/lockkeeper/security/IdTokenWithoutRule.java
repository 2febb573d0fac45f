package io.lockkeeper.security;

import java.io.Serial;
import org.springframework.security.authentication.AccountStatusException;

/**
 * An ID token is good, and no rule says what its bearer may do. The supertype ends the chain of providers, so that none after this calls
 * it a wrong token.
 */
public final class IdTokenWithoutRule extends AccountStatusException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final String caller;

    IdTokenWithoutRule(String caller) {
        super("No rule lets " + caller + " in");
        this.caller = caller;
    }

    /** What the caller would be named. */
    public String caller() {
        return caller;
    }
}
