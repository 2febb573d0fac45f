package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.authentication.AbstractAuthenticationProcessingFilter;
import org.springframework.security.web.authentication.session.ChangeSessionIdAuthenticationStrategy;
import org.springframework.security.web.authentication.session.CompositeSessionAuthenticationStrategy;
import org.springframework.security.web.authentication.session.SessionAuthenticationStrategy;
import org.springframework.security.web.csrf.CsrfAuthenticationStrategy;
import org.springframework.security.web.csrf.CsrfTokenRepository;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;

/** Opens a session for whoever shows a token in the form of the log-in page. */
final class LoginFilter extends AbstractAuthenticationProcessingFilter {

    static final RequestMatcher LOGIN = PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/login");

    /** What is longer is no token of ours, and not read. */
    private static final int LONGEST_TOKEN = 1024;

    LoginFilter(
            AuthenticationManager tokens,
            SessionCallers sessions,
            WantedPage wanted,
            CsrfTokenRepository csrfTokens,
            RequestLimitFilter limits,
            AuthenticationEntryPoint fault) {
        super(LOGIN, tokens);
        setSecurityContextRepository(sessions);
        setSessionAuthenticationStrategy(newSession(csrfTokens));
        setAuthenticationSuccessHandler((request, response, authentication) -> {
            limits.accepted(request, authentication.getName());
            response.sendRedirect(wanted.path(request, response));
        });
        setAuthenticationFailureHandler((request, response, exception) -> {
            if (exception instanceof AuthenticationServiceException) {
                fault.commence(request, response, exception);
            } else {
                limits.refused(request);
                // Without the exception, which the handler would keep in a session.
                response.sendRedirect("/login?wrong");
            }
        });
    }

    /** Who has made a browser use a session or a CSRF token of theirs does not get into the session that is opened now. */
    static SessionAuthenticationStrategy newSession(CsrfTokenRepository csrfTokens) {
        return new CompositeSessionAuthenticationStrategy(
                List.of(new ChangeSessionIdAuthenticationStrategy(), new CsrfAuthenticationStrategy(csrfTokens)));
    }

    @Override
    public @Nullable Authentication attemptAuthentication(HttpServletRequest request, HttpServletResponse response) {
        var token = token(request);
        var found = getAuthenticationManager().authenticate(new BearerToken(token == null ? "" : token));
        if (found instanceof CallerAuthentication caller && token != null) {
            caller.setDetails(SessionKey.OfToken.of(token));
        }
        return found;
    }

    /** The token in the form; null when there is none. Pasted text tends to bring white space along. */
    static @Nullable String token(HttpServletRequest request) {
        var token = request.getParameter("token");
        return token == null || token.length() > LONGEST_TOKEN ? null : token.strip();
    }
}
