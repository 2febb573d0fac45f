package io.lockkeeper.security;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jose.util.ResourceRetriever;
import java.io.IOException;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenValidator;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.oidc.IdTokenClaimNames;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;

/**
 * Where people log in. It is asked for its addresses at the first log-in and not before, so that one that is away stops neither a start nor
 * those who log in with a token.
 */
final class IdentityProvider implements ClientRegistrationRepository {

    private static final Logger log = LoggerFactory.getLogger(IdentityProvider.class);

    /** There is one. */
    static final String ID = "oidc";

    private final String issuer;
    private final String clientId;
    private final String clientSecret;
    private final List<String> scopes;
    private final Duration clockSkew;
    private final OidcKeys keys;
    private final ResourceRetriever documents = OidcKeys.retriever();

    private @Nullable ClientRegistration discovered;
    private long failedAtNanos;
    private boolean hasFailed;

    IdentityProvider(String issuer, String clientId, String clientSecret, List<String> scopes, Duration clockSkew) {
        this.issuer = issuer;
        this.clientId = clientId;
        this.clientSecret = clientSecret;
        this.scopes = scopes;
        this.clockSkew = clockSkew;
        keys = new OidcKeys(issuer, null);
    }

    String issuer() {
        return issuer;
    }

    /**
     * The provider as it described itself when it was first reached.
     *
     * @throws IdentityProviderAway if it was not, which is tried again by whoever comes some seconds later
     */
    @Override
    public synchronized @Nullable ClientRegistration findByRegistrationId(String id) {
        if (!id.equals(ID)) {
            return null;
        }
        if (discovered == null) {
            if (hasFailed && System.nanoTime() - failedAtNanos < OidcKeys.PAUSE.toNanos()) {
                throw new IdentityProviderAway(issuer);
            }
            discovered = discover();
        }
        return discovered;
    }

    private ClientRegistration discover() {
        try {
            return registration(OidcDiscovery.fetch(issuer, documents));
        } catch (IOException | ParseException | RuntimeException e) {
            hasFailed = true;
            failedAtNanos = System.nanoTime();
            log.warn("The identity provider {} cannot be reached: {}", issuer, e.toString());
            throw new IdentityProviderAway(issuer, e);
        }
    }

    private ClientRegistration registration(OidcDiscovery provider) throws IOException, ParseException {
        return ClientRegistration.withRegistrationId(ID)
                .clientId(clientId)
                .clientSecret(clientSecret)
                .clientAuthenticationMethod(authentication(provider))
                .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
                .redirectUri("{baseUrl}" + PersonLoginFilter.PATH)
                .scope(scopes)
                .issuerUri(issuer)
                .authorizationUri(provider.endpoint("authorization_endpoint").toString())
                .tokenUri(provider.endpoint("token_endpoint").toString())
                .jwkSetUri(provider.endpoint("jwks_uri").toString())
                .userInfoUri(provider.optionalEndpoint("userinfo_endpoint")
                        .map(Object::toString)
                        .orElse(null))
                // What a person is called here is read elsewhere; this claim is always there.
                .userNameAttributeName(IdTokenClaimNames.SUB)
                .build();
    }

    /** HTTP Basic is what a provider takes that does not say (section 3, token_endpoint_auth_methods_supported). */
    private static ClientAuthenticationMethod authentication(OidcDiscovery provider) throws ParseException {
        var methods = JSONObjectUtils.getStringList(provider.document(), "token_endpoint_auth_methods_supported");
        return methods == null
                        || methods.contains(ClientAuthenticationMethod.CLIENT_SECRET_BASIC.getValue())
                        || !methods.contains(ClientAuthenticationMethod.CLIENT_SECRET_POST.getValue())
                ? ClientAuthenticationMethod.CLIENT_SECRET_BASIC
                : ClientAuthenticationMethod.CLIENT_SECRET_POST;
    }

    /** Checks ID tokens that are for us (OpenID Connect Core 1.0, section 3.1.3.7); the nonce is checked by who knows it. */
    JwtDecoder idTokens(ClientRegistration registration) {
        var claims = new OidcIdTokenValidator(registration);
        claims.setClockSkew(clockSkew);
        return OidcIssuer.decoder(
                keys, new DelegatingOAuth2TokenValidator<>(new JwtTimestampValidator(clockSkew), claims));
    }
}
