package io.lockkeeper.security;

import com.nimbusds.jose.KeySourceException;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.http.HttpClient;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.converter.FormHttpMessageConverter;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.endpoint.RestClientAuthorizationCodeTokenResponseClient;
import org.springframework.security.oauth2.client.http.OAuth2ErrorResponseErrorHandler;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.userinfo.DefaultOAuth2UserService;
import org.springframework.security.oauth2.client.web.AuthorizationRequestRepository;
import org.springframework.security.oauth2.client.web.HttpSessionOAuth2AuthorizationRequestRepository;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestRedirectFilter;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.client.web.OAuth2LoginAuthenticationFilter;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.http.converter.OAuth2AccessTokenResponseHttpMessageConverter;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.web.csrf.CsrfTokenRepository;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestTemplate;

/**
 * Opens a session for a person whom the identity provider sends back: OpenID Connect's authorization code flow with PKCE, as Spring Security
 * does it. Of what the provider answers, nothing is kept but a {@link SessionKey.OfPerson}.
 */
final class PersonLoginFilter extends OAuth2LoginAuthenticationFilter {

    /** Where the provider sends a person back to. */
    static final String PATH = "/login/oauth2/code/" + IdentityProvider.ID;

    private static final Logger log = LoggerFactory.getLogger(PersonLoginFilter.class);

    private static final String START = "/oauth2/authorization";
    /** Where a person is sent to the provider from. */
    static final String START_PATH = START + "/" + IdentityProvider.ID;

    private static final Duration CONNECTING = Duration.ofSeconds(2);
    private static final Duration ANSWERING = Duration.ofSeconds(5);

    /** For a person at the provider; whoever just has many log-ins begun does not fill the table of sessions for half a day. */
    private static final Duration COMING_BACK = Duration.ofMinutes(15);

    private final People people;
    private final Requests requests;

    PersonLoginFilter(People people, SessionCallers sessions, WantedPage wanted, CsrfTokenRepository csrfTokens) {
        super(people.provider(), new NothingKept(), PATH);
        this.people = people;
        requests = new Requests(sessions);
        setAuthorizationRequestRepository(requests);
        setAuthenticationManager(new ProviderManager(codes(people.provider())));
        setSecurityContextRepository(sessions);
        setSessionAuthenticationStrategy(LoginFilter.newSession(csrfTokens));
        setAuthenticationSuccessHandler(
                (request, response, _) -> response.sendRedirect(wanted.path(request, response)));
        setAuthenticationFailureHandler(
                (request, response, exception) -> refuse(sessions, request, response, exception));
    }

    /** What sends people to the provider. Its state, nonce and code verifier are in their session until they are back. */
    Filter start() {
        var start = new OAuth2AuthorizationRequestRedirectFilter(people.provider(), START);
        start.setAuthorizationRequestRepository(requests);
        start.setAuthenticationFailureHandler((_, response, exception) -> response.sendRedirect(page(exception)));
        return start;
    }

    private static OidcAuthorizationCodeAuthenticationProvider codes(IdentityProvider provider) {
        var http = new JdkClientHttpRequestFactory(
                HttpClient.newBuilder().connectTimeout(CONNECTING).build());
        http.setReadTimeout(ANSWERING);
        var tokens = new RestClientAuthorizationCodeTokenResponseClient();
        tokens.setRestClient(RestClient.builder()
                .requestFactory(http)
                .configureMessageConverters(converters -> converters
                        .addCustomConverter(new FormHttpMessageConverter())
                        .addCustomConverter(new OAuth2AccessTokenResponseHttpMessageConverter()))
                .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler())
                .build());
        var rest = new RestTemplate(http);
        rest.setErrorHandler(new OAuth2ErrorResponseErrorHandler());
        var userInfo = new DefaultOAuth2UserService();
        userInfo.setRestOperations(rest);
        var users = new OidcUserService();
        users.setOauth2UserService(userInfo);
        // Many a provider puts groups and addresses only there.
        users.setRetrieveUserInfo(request -> request.getClientRegistration()
                        .getProviderDetails()
                        .getUserInfoEndpoint()
                        .getUri()
                != null);
        var codes = new OidcAuthorizationCodeAuthenticationProvider(tokens, users);
        codes.setJwtDecoderFactory(provider::idTokens);
        return codes;
    }

    @Override
    public Authentication attemptAuthentication(HttpServletRequest request, HttpServletResponse response) {
        if (!(super.attemptAuthentication(request, response).getPrincipal() instanceof OidcUser user)) {
            throw new IllegalStateException("Without the scope openid nobody is sent to the provider");
        }
        var person = people.person(user.getClaims(), Instant.now());
        var caller = people.caller(person).orElseThrow(() -> new IdTokenWithoutRule(person.name()));
        var authentication = new CallerAuthentication(caller);
        authentication.setDetails(person);
        return authentication;
    }

    private static void refuse(
            SessionCallers sessions,
            HttpServletRequest request,
            HttpServletResponse response,
            AuthenticationException exception)
            throws IOException {
        var session = request.getSession(false);
        if (session != null && !sessions.containsContext(request)) {
            // It has served its purpose, which was to remember somebody on their way to the provider.
            session.invalidate();
        }
        response.sendRedirect(page(exception));
    }

    /** The log-in, with a sentence. What a provider says about an error may be anybody's words, and is not repeated there. */
    private static String page(AuthenticationException exception) {
        if (exception instanceof IdTokenWithoutRule stranger) {
            log.info("{} has logged in at the identity provider, and no rule lets them in", stranger.caller());
            return "/login?stranger";
        }
        if (isAway(exception)) {
            return "/login?away";
        }
        log.info("A log-in through the identity provider has failed: {}", reason(exception));
        return "/login?failed";
    }

    private static @Nullable String reason(AuthenticationException exception) {
        if (!(exception instanceof OAuth2AuthenticationException failed)) {
            return exception.getMessage();
        }
        var code = failed.getError().getErrorCode();
        // The code may be what somebody has written behind our address.
        var known = code.matches("[a-z_]{1,50}") ? code : "an unusual error";
        return failed.getCause() instanceof JwtException wrong ? known + ", " + wrong.getMessage() : known;
    }

    private static boolean isAway(Throwable exception) {
        for (@Nullable Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof IdentityProviderAway
                    || cause instanceof ResourceAccessException
                    || cause instanceof KeySourceException) {
                return true;
            }
        }
        return false;
    }

    /** What a person is to bring back from the provider, in their session. */
    private static final class Requests implements AuthorizationRequestRepository<OAuth2AuthorizationRequest> {
        private final AuthorizationRequestRepository<OAuth2AuthorizationRequest> kept =
                new HttpSessionOAuth2AuthorizationRequestRepository();
        private final SessionCallers sessions;

        Requests(SessionCallers sessions) {
            this.sessions = sessions;
        }

        @Override
        public @Nullable OAuth2AuthorizationRequest loadAuthorizationRequest(HttpServletRequest request) {
            return kept.loadAuthorizationRequest(request);
        }

        @Override
        public void saveAuthorizationRequest(
                OAuth2AuthorizationRequest wanted, HttpServletRequest request, HttpServletResponse response) {
            kept.saveAuthorizationRequest(wanted, request, response);
            if (!sessions.containsContext(request)) {
                // Somebody's log-in makes it longer again.
                request.getSession().setMaxInactiveInterval((int) COMING_BACK.toSeconds());
            }
        }

        @Override
        public @Nullable OAuth2AuthorizationRequest removeAuthorizationRequest(
                HttpServletRequest request, HttpServletResponse response) {
            return kept.removeAuthorizationRequest(request, response);
        }
    }

    /** The provider's access token has done what it was for. */
    private static final class NothingKept implements OAuth2AuthorizedClientRepository {

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // The interface's.
        public <T extends OAuth2AuthorizedClient> @Nullable T loadAuthorizedClient(
                String id, Authentication person, HttpServletRequest request) {
            return null;
        }

        @Override
        public void saveAuthorizedClient(
                OAuth2AuthorizedClient client,
                Authentication person,
                HttpServletRequest request,
                HttpServletResponse response) {}

        @Override
        public void removeAuthorizedClient(
                String id, Authentication person, HttpServletRequest request, HttpServletResponse response) {}
    }
}
