package io.lockkeeper.security;

import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import io.lockkeeper.coordination.TrustedField;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtAudienceValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

/** Somebody whose ID tokens are good here: turns one into a caller. */
final class OidcIssuer {

    private static final Logger log = LoggerFactory.getLogger(OidcIssuer.class);

    /** As long as the name of an approver may be, so that every caller can be one. */
    static final int LONGEST_NAME = 255;

    private static final int DIGEST_CHARACTERS = 16;

    /** One line of what can be seen, and spaces, since people compare names. */
    private static final Pattern SUBJECT = Pattern.compile("(?! )[[^\\p{C}\\p{Z}] ]+(?<! )");

    private final String uri;
    private final JwtDecoder decoder;
    private final JwtDecoder decoderOfOld;
    private final List<OidcRule> rules;
    private final Map<TrustedField, ClaimTemplate> trusted;

    OidcIssuer(
            String uri,
            String audience,
            Duration clockSkew,
            JWKSource<SecurityContext> keys,
            List<OidcRule> rules,
            Map<TrustedField, ClaimTemplate> trusted) {
        this.uri = uri;
        this.rules = List.copyOf(rules);
        this.trusted = Map.copyOf(trusted);
        var timestamps = new JwtTimestampValidator(clockSkew);
        timestamps.setAllowEmptyExpiryClaim(false);
        decoder = decoder(uri, audience, keys, timestamps);
        decoderOfOld = decoder(uri, audience, keys, jwt -> begins(jwt, clockSkew));
    }

    private static JwtDecoder decoder(
            String uri, String audience, JWKSource<SecurityContext> keys, OAuth2TokenValidator<Jwt> time) {
        return decoder(
                keys,
                new DelegatingOAuth2TokenValidator<>(
                        // An access token or a log-out token of the same issuer is a JWT, too, and not meant as a proof
                        // of
                        // identity.
                        JwtTypeValidator.jwt(), new JwtIssuerValidator(uri), new JwtAudienceValidator(audience), time));
    }

    /** A signature that is made with a public key proves nothing, so no algorithm is let in that has only one key, nor {@code none}. */
    static JwtDecoder decoder(JWKSource<SecurityContext> keys, OAuth2TokenValidator<Jwt> claims) {
        var decoder = NimbusJwtDecoder.withJwkSource(keys)
                .jwsAlgorithms(algorithms -> algorithms.addAll(EnumSet.allOf(SignatureAlgorithm.class)))
                .build();
        decoder.setJwtValidator(claims);
        return decoder;
    }

    /** Of the time only the beginning: the token had to have an end, which may be over. */
    private static OAuth2TokenValidatorResult begins(Jwt jwt, Duration clockSkew) {
        var notBefore = jwt.getNotBefore();
        var hasBegun = notBefore == null || !Instant.now().plus(clockSkew).isBefore(notBefore);
        return jwt.getExpiresAt() != null && hasBegun
                ? OAuth2TokenValidatorResult.success()
                : OAuth2TokenValidatorResult.failure(new OAuth2Error(
                        OAuth2ErrorCodes.INVALID_TOKEN, "The token has no end, or is not valid yet", null));
    }

    String uri() {
        return uri;
    }

    /**
     * Who the bearer of this token is.
     *
     * @param mayHaveExpired for a call that is allowed by another proof
     * @throws BadCredentialsException if the token is not good
     * @throws IdTokenUnverifiable if nobody can say
     * @throws IdTokenWithoutRule if it is good for nothing here
     */
    Caller caller(String token, boolean mayHaveExpired) {
        var jwt = decode(token, mayHaveExpired ? decoderOfOld : decoder);
        var name = name(uri, subject(jwt));
        return rules.stream()
                .filter(rule -> rule.matches(jwt.getClaims()))
                .findFirst()
                .map(rule ->
                        new Caller(name, rule.role(), rule.environments(), TrustedClaims.of(trusted, jwt.getClaims())))
                .orElseThrow(() -> new IdTokenWithoutRule(name));
    }

    private Jwt decode(String token, JwtDecoder decoder) {
        try {
            return decoder.decode(token);
        } catch (JwtValidationException e) {
            // Signed by the issuer, so it is the operator's affair: most likely the audience differs. The client is not
            // told.
            log.info("An ID token of {} is refused: {}", uri, e.getMessage());
            throw new BadCredentialsException("The ID token is not meant for now and here", e);
        } catch (BadJwtException e) {
            log.debug("What claims to be an ID token of {} is refused: {}", uri, e.getMessage());
            throw new BadCredentialsException("The ID token is not from its issuer", e);
        } catch (JwtException e) {
            throw new IdTokenUnverifiable(uri, e);
        }
    }

    private static String subject(Jwt jwt) {
        var subject = jwt.getSubject();
        if (subject == null || !isName(subject)) {
            throw new BadCredentialsException("The ID token does not name its subject in printable characters");
        }
        return subject;
    }

    static boolean isName(String text) {
        return SUBJECT.matcher(text).matches();
    }

    /**
     * The caller's name: the issuer without its scheme, a colon, and the subject. One that is too long ends in a digest of the whole, so
     * that two callers never have one name.
     */
    static String name(String issuer, String subject) {
        return shortened(place(issuer) + ":" + subject);
    }

    static String shortened(String name) {
        if (name.length() <= LONGEST_NAME) {
            return name;
        }
        var end = LONGEST_NAME - DIGEST_CHARACTERS - 1;
        var whole = Character.isHighSurrogate(name.charAt(end - 1)) ? end - 1 : end;
        return name.substring(0, whole) + "~" + digest(name);
    }

    /** The issuer's host, its port if it names one, and its path: many an issuer shares its host with others. */
    static String place(String issuer) {
        var uri = URI.create(issuer);
        var path = uri.getPath().endsWith("/")
                ? uri.getPath().substring(0, uri.getPath().length() - 1)
                : uri.getPath();
        return uri.getAuthority() + path;
    }

    private static String digest(String text) {
        try {
            var sha256 = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha256).substring(0, DIGEST_CHARACTERS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
