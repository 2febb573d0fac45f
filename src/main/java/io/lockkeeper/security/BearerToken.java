package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import java.io.Serial;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.web.authentication.AuthenticationConverter;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.OrRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;

/**
 * A token that a caller presented ({@code Authorization: Bearer …}, RFC 6750 section 2.1, or as a {@link BasicToken}) and that nobody has
 * checked yet.
 */
final class BearerToken extends AbstractAuthenticationToken {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Any printable ASCII, which is more than RFC 6750 gives a token, because an administrator chose the admin token. */
    private static final Pattern HEADER = Pattern.compile("(?i:bearer) +([\\x21-\\x7e]{1,8192}) *");

    private static final Pattern PASSWORD = Pattern.compile("[\\x21-\\x7e]{1,8192}");

    private final String token;
    private final boolean besideLockToken;

    /** A token that came by another way than the header. */
    BearerToken(String token) {
        this(token, false);
    }

    private BearerToken(String token, boolean besideLockToken) {
        super(List.of());
        this.token = token;
        this.besideLockToken = besideLockToken;
    }

    String token() {
        return token;
    }

    /** Whether this is a call that a run's lock token allows, and one is there: the bearer then says who calls, and no more. */
    boolean isBesideLockToken() {
        return besideLockToken;
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

        /** What {@link LockTokens} is for. Each of these checks the lock token itself, whoever calls. */
        private static final RequestMatcher CALLS_OF_A_RUN = new OrRequestMatcher(Stream.of(
                        "/api/runs/{id}",
                        "/api/runs/{id}/heartbeat",
                        "/api/runs/{id}/release",
                        "/api/runs/{id}/cancel",
                        "/api/environments/{environment}/release")
                .<RequestMatcher>map(PathPatternRequestMatcher.withDefaults()::matcher)
                .toList());

        @Override
        public @Nullable BearerToken convert(HttpServletRequest request) {
            var header = request.getHeader("Authorization");
            if (header != null
                    && header.regionMatches(true, 0, "basic", 0, "basic".length())
                    && BasicToken.isTakenFrom(request)) {
                var password = BasicToken.password(request);
                if (password == null || !PASSWORD.matcher(password).matches()) {
                    throw new BadCredentialsException(
                            "The Authorization header is not 'Basic' with a token as the password");
                }
                return new BearerToken(password);
            }
            if (header == null || !header.regionMatches(true, 0, "bearer", 0, "bearer".length())) {
                return null;
            }
            var matcher = HEADER.matcher(header);
            if (!matcher.matches()) {
                throw new BadCredentialsException("The Authorization header is not 'Bearer' and a token");
            }
            return new BearerToken(matcher.group(1), isBesideLockToken(request));
        }

        private static boolean isBesideLockToken(HttpServletRequest request) {
            return LockTokens.parse(request.getHeader("Lock-Token")).isPresent() && CALLS_OF_A_RUN.matches(request);
        }
    }
}
