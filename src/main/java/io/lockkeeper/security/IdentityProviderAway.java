package io.lockkeeper.security;

import java.io.Serial;
import org.springframework.security.authentication.AuthenticationServiceException;

/** Nobody can log in through the identity provider just now: it does not answer. */
final class IdentityProviderAway extends AuthenticationServiceException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** It has just been tried. */
    IdentityProviderAway(String issuer) {
        super("The identity provider " + issuer + " could not be reached a moment ago");
    }

    IdentityProviderAway(String issuer, Throwable cause) {
        super("The identity provider " + issuer + " cannot be reached", cause);
    }
}
