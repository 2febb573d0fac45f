package io.lockkeeper.security;

import java.io.Serial;
import java.time.Duration;
import org.springframework.security.authentication.InternalAuthenticationServiceException;

/**
 * An ID token is neither good nor bad: the keys of its issuer are not there to check it with. The supertype ends the chain of providers,
 * so that none after this calls it a wrong token.
 */
public final class IdTokenUnverifiable extends InternalAuthenticationServiceException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final String issuer;

    IdTokenUnverifiable(String issuer, Throwable cause) {
        super("An ID token of " + issuer + " cannot be checked", cause);
        this.issuer = issuer;
    }

    public String issuer() {
        return issuer;
    }

    public Duration retryAfter() {
        return OidcKeys.PAUSE;
    }
}
