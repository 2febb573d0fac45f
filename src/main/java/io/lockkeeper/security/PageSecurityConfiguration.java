package io.lockkeeper.security;

import java.util.Optional;
import java.util.Set;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.authentication.UsernamePasswordAuthenticationFilter;
import org.springframework.security.web.csrf.CookieCsrfTokenRepository;
import org.springframework.security.web.csrf.CsrfFilter;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.AndRequestMatcher;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;
import org.springframework.security.web.util.matcher.OrRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;

/**
 * The page: a session in place of a bearer token, and with it what keeps other sites from using the session. No bearer token is read here,
 * and no session where the API is.
 */
@Configuration(proxyBeanMethods = false)
class PageSecurityConfiguration {

    private static final RequestMatcher PAGE = new OrRequestMatcher(AccessRules.PAGE.stream()
            .map(AccessRule::path)
            .distinct()
            .<RequestMatcher>map(PathPatternRequestMatcher.withDefaults()::matcher)
            .toList());

    /** Read once for what is made of it below. */
    record Login(Optional<People> people) {}

    @Bean
    Login login(Environment settings) {
        return new Login(LoginSettings.read(settings));
    }

    @Bean
    PersonLogin personLogin(Login login) {
        return new PersonLogin(login.people().map(People::providerName));
    }

    @Bean
    SessionCallers sessionCallers(AdminToken adminToken, TokenLookup tokens, Login login) {
        return new SessionCallers(adminToken, tokens, login.people());
    }

    @Bean
    @Order(1)
    SecurityFilterChain pageFilterChain(
            HttpSecurity http,
            AdminToken adminToken,
            TokenLookup tokens,
            SessionCallers sessions,
            Login people,
            AuthenticationEntryPoint entryPoint,
            AccessDeniedHandler accessDeniedHandler,
            RequestLimits requestLimits) {
        var limits = new RequestLimitFilter(requestLimits, accessDeniedHandler);
        var wanted = new WantedPage(
                new AndRequestMatcher(PathPatternRequestMatcher.pathPattern(HttpMethod.GET, "/**"), looksForAPage()));
        // ID tokens are for pipelines, each for minutes.
        var bearers = new ProviderManager(
                new AdminTokenProvider(adminToken), new ApiTokenProvider(tokens), new UnknownTokenProvider());
        var csrfTokens = csrfTokens();
        var login = new LoginFilter(bearers, sessions, wanted, csrfTokens, limits, entryPoint);
        http.securityMatcher(PAGE)
                .authenticationManager(bearers)
                .authorizeHttpRequests(paths -> {
                    SecurityConfiguration.enforce(AccessRules.PAGE, paths);
                    paths.anyRequest().authenticated();
                })
                .securityContext(context -> context.securityContextRepository(sessions))
                .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.NEVER))
                // In a cookie, so that to look at the log-in page stores nothing here.
                .csrf(csrf -> csrf.csrfTokenRepository(csrfTokens))
                .requestCache(cache -> cache.requestCache(wanted))
                .logout(logout -> logout.logoutSuccessUrl("/login?out"))
                .exceptionHandling(refusals -> refusals.defaultAuthenticationEntryPointFor(
                                new LoginUrlAuthenticationEntryPoint("/login"), looksForAPage())
                        .defaultAuthenticationEntryPointFor(entryPoint, _ -> true)
                        .accessDeniedHandler(accessDeniedHandler))
                .headers(SecurityConfiguration::strict)
                .addFilterBefore(limits, CsrfFilter.class)
                .addFilterBefore(new SameOriginFilter(accessDeniedHandler), CsrfFilter.class)
                .addFilterAt(login, UsernamePasswordAuthenticationFilter.class);
        people.people().ifPresent(known -> {
            var person = new PersonLoginFilter(known, sessions, wanted, csrfTokens);
            http.addFilterAfter(person.start(), CsrfFilter.class)
                    .addFilterBefore(person, UsernamePasswordAuthenticationFilter.class);
        });
        return http.build();
    }

    /** Whether a person's browser asks, who is shown the log-in; a program is told 401. */
    private static RequestMatcher looksForAPage() {
        var html = new MediaTypeRequestMatcher(MediaType.TEXT_HTML);
        html.setIgnoredMediaTypes(Set.of(MediaType.ALL));
        return html;
    }

    private static CookieCsrfTokenRepository csrfTokens() {
        var tokens = new CookieCsrfTokenRepository();
        tokens.setCookieName("lockkeeper-csrf");
        tokens.setCookieCustomizer(cookie -> cookie.sameSite("Strict"));
        return tokens;
    }
}
