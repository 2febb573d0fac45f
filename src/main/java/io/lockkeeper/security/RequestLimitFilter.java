package io.lockkeeper.security;

import io.lockkeeper.security.RequestLimits.Purpose;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.OrRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.web.filter.OncePerRequestFilter;

/** Refuses what exceeds the {@link RequestLimits}. Lies before the filters that look up who calls, which tell it what they found. */
final class RequestLimitFilter extends OncePerRequestFilter {

    private static final RequestMatcher LIFELINE = new OrRequestMatcher(
            PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/api/runs/*/heartbeat"),
            PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/api/runs/*/release"),
            PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/api/environments/*/release"),
            PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/api/terraform/*"),
            PathPatternRequestMatcher.pathPattern(HttpMethod.valueOf("UNLOCK"), "/api/terraform/*"));

    /** Whoever probes must not conclude from somebody else's flood that the replica is ill, and take it away from everybody. */
    private static final RequestMatcher UNLIMITED =
            new OrRequestMatcher(List.of(PathPatternRequestMatcher.pathPattern("/actuator/health/**")));

    private final RequestLimits limits;
    private final AccessDeniedHandler refusals;

    RequestLimitFilter(RequestLimits limits, AccessDeniedHandler refusals) {
        this.limits = limits;
        this.refusals = refusals;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return UNLIMITED.matches(request);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Duration wait = limits.admit(token(request), request.getRemoteAddr(), purpose(request));
        if (wait.isZero()) {
            chain.doFilter(request, response);
        } else {
            refusals.handle(request, response, new TooManyRequests(wait));
        }
    }

    /** The request's credentials are this caller's. */
    void accepted(HttpServletRequest request, String caller) {
        var token = token(request);
        if (token != null) {
            limits.accepted(token, caller, purpose(request));
        }
    }

    /** The request's credentials are wrong. */
    void refused(HttpServletRequest request) {
        var token = token(request);
        if (token != null) {
            limits.refused(token, request.getRemoteAddr(), purpose(request));
        }
    }

    private static Purpose purpose(HttpServletRequest request) {
        return LIFELINE.matches(request) ? Purpose.LIFELINE : Purpose.ANYTHING;
    }

    /** Hashed, so that no token stays in memory; without scheme and user, so that no other spelling of a header is another token. */
    private static @Nullable String token(HttpServletRequest request) {
        var credentials = LoginFilter.LOGIN.matches(request)
                ? LoginFilter.token(request)
                : request.getHeader(HttpHeaders.AUTHORIZATION);
        if (credentials == null) {
            return null;
        }
        try {
            var password = BasicToken.password(request);
            var secret = password == null
                    ? credentials.substring(credentials.indexOf(' ') + 1).strip()
                    : password;
            var hash = MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
