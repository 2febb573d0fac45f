package io.lockkeeper.security;

import com.nimbusds.jwt.JWTParser;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;

/** Knows the ID tokens of the configured issuers. Says nothing about any other token. */
final class OidcProvider implements AuthenticationProvider {

    /** Three parts of base64url (RFC 7515 section 3.1). The last is empty when nothing is signed, which is refused later. */
    private static final Pattern JWT = Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*");

    private final Map<String, OidcIssuer> issuers;

    OidcProvider(List<OidcIssuer> issuers) {
        this.issuers = issuers.stream().collect(Collectors.toUnmodifiableMap(OidcIssuer::uri, Function.identity()));
    }

    @Override
    public @Nullable Authentication authenticate(Authentication presented) {
        if (!(presented instanceof BearerToken bearer)) {
            return null;
        }
        var issuer = claimedIssuer(bearer.token());
        return issuer == null
                ? null
                : new CallerAuthentication(issuer.caller(bearer.token(), bearer.isBesideLockToken()));
    }

    /** Who the token says it is from, which decides no more than whose keys it is checked with. */
    private @Nullable OidcIssuer claimedIssuer(String token) {
        if (issuers.isEmpty() || !JWT.matcher(token).matches()) {
            return null;
        }
        try {
            var claims = JWTParser.parse(token).getJWTClaimsSet();
            var name = claims == null ? null : claims.getIssuer();
            return name == null ? null : issuers.get(name);
        } catch (ParseException | IllegalArgumentException e) {
            return null;
        }
    }

    @Override
    public boolean supports(Class<?> authentication) {
        return BearerToken.class.isAssignableFrom(authentication);
    }
}
