package io.lockkeeper.security;

import jakarta.servlet.DispatcherType;
import java.util.List;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpMethod;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.AuthorizeHttpRequestsConfigurer;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.authentication.AuthenticationEntryPointFailureHandler;
import org.springframework.security.web.authentication.AuthenticationFilter;
import org.springframework.security.web.authentication.www.BasicAuthenticationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.header.writers.CrossOriginOpenerPolicyHeaderWriter.CrossOriginOpenerPolicy;
import org.springframework.security.web.header.writers.CrossOriginResourcePolicyHeaderWriter.CrossOriginResourcePolicy;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.header.writers.StaticHeadersWriter;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** How a token becomes a caller, and that {@link AccessRules} are enforced. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({SecurityProperties.class, RequestLimitProperties.class})
class SecurityConfiguration implements WebMvcConfigurer {

    /** The one style that Turbo writes into a page, for a progress bar that none of ours shows: let in by its hash, and no other. */
    private static final String STYLE_OF_TURBO = "'sha256-WAyOw4V+FqDc35lQPyRADLBWbuNK8ahvYEaQIYF1+Ps='";

    /** A page loads its own files and talks to this service; nothing runs that is written into a page. */
    private static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' "
            + STYLE_OF_TURBO
            + "; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    @Override
    public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
        resolvers.add(new CallerArgument());
    }

    @Bean
    AdminToken adminToken(SecurityProperties properties) {
        var given = properties.adminToken();
        if (given == null) {
            return new AdminTokenFile(properties.dataDirectory()).readOrMake();
        }
        if (!AdminToken.isAcceptable(given)) {
            throw new AdminTokenRefused(
                    "LOCKKEEPER_ADMIN_TOKEN (property lockkeeper.admin-token) is not usable as the admin token: it has fewer than "
                            + AdminToken.MINIMUM_LENGTH
                            + " characters, or one that is not printable ASCII, or a space.",
                    "Set it to a long random text, for example the output of `openssl rand -hex 32`, or remove it: then a token"
                            + " is made and kept in the data directory.");
        }
        return new AdminToken(given);
    }

    @Bean
    LockTokenKeys lockTokenKeys(SecurityProperties properties, AdminToken adminToken) {
        return LockTokenKeys.read(properties.lockTokenKeys(), adminToken);
    }

    @Bean
    OidcProvider oidcProvider(Environment settings) {
        return new OidcProvider(OidcSettings.read(settings));
    }

    @Bean
    AuthenticationManager authenticationManager(AdminToken adminToken, OidcProvider oidcProvider, TokenLookup tokens) {
        // First those whose bearers get in although the database is away.
        return new ProviderManager(
                new AdminTokenProvider(adminToken),
                oidcProvider,
                new ApiTokenProvider(tokens),
                new UnknownTokenProvider());
    }

    @Bean
    RequestLimits requestLimits(RequestLimitProperties properties) {
        return new RequestLimits(properties.requestsPerSecond(), System::nanoTime);
    }

    /** Everything but the page: without a session, and a bearer token with each request. */
    @Bean
    SecurityFilterChain filterChain(
            HttpSecurity http,
            AuthenticationManager authenticationManager,
            AuthenticationEntryPoint entryPoint,
            AccessDeniedHandler accessDeniedHandler,
            RequestLimits requestLimits) {
        var limits = new RequestLimitFilter(requestLimits, accessDeniedHandler);
        http.authorizeHttpRequests(paths -> {
                    enforce(AccessRules.API, paths);
                    paths.requestMatchers("/actuator/**").denyAll();
                    paths.anyRequest().authenticated();
                })
                .addFilterBefore(limits, BasicAuthenticationFilter.class)
                .addFilterAt(bearerFilter(authenticationManager, entryPoint, limits), BasicAuthenticationFilter.class)
                .exceptionHandling(refusals ->
                        refusals.authenticationEntryPoint(entryPoint).accessDeniedHandler(accessDeniedHandler))
                .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                // A browser sends no bearer token on its own, so another site cannot make it call us.
                .csrf(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .requestCache(AbstractHttpConfigurer::disable)
                .headers(SecurityConfiguration::strict);
        return http.build();
    }

    /** What every answer tells a browser: nothing is kept, nothing from elsewhere is loaded, nobody may frame it or look into it. */
    static void strict(HeadersConfigurer<HttpSecurity> headers) {
        headers.cacheControl(HeadersConfigurer.CacheControlConfig::disable)
                .addHeaderWriter(new StaticHeadersWriter("Cache-Control", "no-store"))
                .contentSecurityPolicy(policy -> policy.policyDirectives(CONTENT_SECURITY_POLICY))
                .referrerPolicy(policy -> policy.policy(ReferrerPolicy.SAME_ORIGIN))
                .crossOriginOpenerPolicy(policy -> policy.policy(CrossOriginOpenerPolicy.SAME_ORIGIN))
                .crossOriginResourcePolicy(policy -> policy.policy(CrossOriginResourcePolicy.SAME_ORIGIN));
    }

    static void enforce(
            List<AccessRule> rules,
            AuthorizeHttpRequestsConfigurer<HttpSecurity>.AuthorizationManagerRequestMatcherRegistry paths) {
        // Their requests have been through here already, as what they were before.
        paths.dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.ASYNC).permitAll();
        for (var rule : rules) {
            paths.requestMatchers(rule.method(), rule.path()).access(rule);
            if (rule.method().equals(HttpMethod.GET)) {
                paths.requestMatchers(HttpMethod.HEAD, rule.path()).access(rule);
            }
        }
    }

    private static AuthenticationFilter bearerFilter(
            AuthenticationManager authenticationManager,
            AuthenticationEntryPoint entryPoint,
            RequestLimitFilter limits) {
        var filter = new AuthenticationFilter(authenticationManager, new BearerToken.Converter());
        filter.setSuccessHandler((request, _, authentication) -> limits.accepted(request, authentication.getName()));
        var refusal = new AuthenticationEntryPointFailureHandler(entryPoint);
        // A token that could not be looked up is answered there as well, and not by the container.
        refusal.setRethrowAuthenticationServiceException(false);
        filter.setFailureHandler((request, response, exception) -> {
            if (!(exception instanceof AuthenticationServiceException)) {
                limits.refused(request);
            }
            refusal.onAuthenticationFailure(request, response, exception);
        });
        return filter;
    }

    /**
     * Refuses paths that two readers could understand differently. The method is not its business here: whoever sends
     * a wrong one has no rule above, and learns from the 405 which are right.
     */
    @Bean
    HttpFirewall httpFirewall() {
        var firewall = new StrictHttpFirewall();
        firewall.setUnsafeAllowAnyHttpMethod(true);
        return firewall;
    }
}
