package io.lockkeeper.security;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.csrf.MissingCsrfTokenException;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Refuses to change anything for a browser that says itself that another site has sent the request (W3C Fetch Metadata). The CSRF token is what
 * protects; this one also holds where somebody may set cookies for a neighbouring host.
 */
final class SameOriginFilter extends OncePerRequestFilter {

    private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");

    private final AccessDeniedHandler refusals;

    SameOriginFilter(AccessDeniedHandler refusals) {
        this.refusals = refusals;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        var site = request.getHeader("Sec-Fetch-Site");
        if (READING.contains(request.getMethod())
                || site == null
                || site.equals("same-origin")
                || site.equals("none")) {
            chain.doFilter(request, response);
        } else {
            refusals.handle(request, response, new MissingCsrfTokenException(null));
        }
    }
}
