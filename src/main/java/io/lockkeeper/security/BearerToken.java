package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import java.io.Serial;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.web.authentication.AuthenticationConverter;

/** A token that a caller presented ({@code Authorization: Bearer …}, RFC 6750 section 2.1) and that nobody has checked yet. */
final class BearerToken extends AbstractAuthenticationToken {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Any printable ASCII, which is more than RFC 6750 gives a token, because an administrator chose the admin token. */
    private static final Pattern HEADER = Pattern.compile("(?i:bearer) +([\\x21-\\x7e]{1,8192}) *");

    private final String token;

    private BearerToken(String token) {
        super(List.of());
        this.token = token;
    }

    String token() {
        return token;
    }

    @Override
    public Object getCredentials() {
        return token;
    }

    @Override
    public Object getPrincipal() {
        return "bearer";
    }

    /** Finds the token in a request. None is no error here: what the path needs is decided later. */
    static final class Converter implements AuthenticationConverter {

        @Override
        public @Nullable BearerToken convert(HttpServletRequest request) {
            var header = request.getHeader("Authorization");
            if (header == null || !header.regionMatches(true, 0, "bearer", 0, "bearer".length())) {
                return null;
            }
            var matcher = HEADER.matcher(header);
            if (!matcher.matches()) {
                throw new BadCredentialsException("The Authorization header is not 'Bearer' and a token");
            }
            return new BearerToken(matcher.group(1));
        }
    }
}
