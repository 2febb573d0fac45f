package io.lockkeeper.security;

import java.io.Serial;
import java.util.Arrays;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/** A caller whose token was found good, with one authority for each role that its own includes. */
final class CallerAuthentication extends AbstractAuthenticationToken {

    @Serial
    private static final long serialVersionUID = 1L;

    private final Caller caller;

    CallerAuthentication(Caller caller) {
        super(Arrays.stream(Role.values())
                .filter(caller.role()::includes)
                .map(role -> new SimpleGrantedAuthority("ROLE_" + role.name()))
                .toList());
        this.caller = caller;
        setAuthenticated(true);
    }

    @Override
    public Object getCredentials() {
        // Checked and forgotten: nothing later needs it, and what is not kept is not leaked.
        return "";
    }

    @Override
    public Caller getPrincipal() {
        return caller;
    }
}
