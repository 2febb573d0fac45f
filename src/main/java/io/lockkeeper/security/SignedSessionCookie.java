package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import org.springframework.session.web.http.CookieSerializer;

/**
 * Adds a MAC to the cookie of a session, whose id stands in the database as it is: whoever gets hold of a copy of the database gets no session
 * by it. The key is derived from the admin token, so another admin token ends all sessions.
 */
final class SignedSessionCookie implements CookieSerializer {

    private static final String HMAC = "HmacSHA256";
    private static final String SEPARATOR = ".";
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final CookieSerializer cookies;
    private final SecretKey key;

    SignedSessionCookie(CookieSerializer cookies, AdminToken adminToken) {
        this.cookies = cookies;
        key = adminToken.deriveKey("lockkeeper page session v1", HMAC);
    }

    @Override
    public void writeCookieValue(CookieValue cookie) {
        var id = cookie.getCookieValue();
        // An empty value takes the cookie away.
        var signed = new CookieValue(
                cookie.getRequest(), cookie.getResponse(), id.isEmpty() ? id : id + SEPARATOR + mac(id));
        signed.setCookieMaxAge(cookie.getCookieMaxAge());
        cookies.writeCookieValue(signed);
    }

    @Override
    public List<String> readCookieValues(HttpServletRequest request) {
        return cookies.readCookieValues(request).stream()
                .flatMap(value -> verified(value).stream())
                .toList();
    }

    /** The comparison takes as long for any wrong MAC. */
    private Optional<String> verified(String value) {
        var separator = value.indexOf(SEPARATOR);
        if (separator < 0) {
            return Optional.empty();
        }
        var id = value.substring(0, separator);
        var mac = value.substring(separator + 1).getBytes(StandardCharsets.UTF_8);
        return MessageDigest.isEqual(mac, mac(id).getBytes(StandardCharsets.UTF_8))
                ? Optional.of(id)
                : Optional.empty();
    }

    private String mac(String id) {
        try {
            var mac = Mac.getInstance(HMAC);
            mac.init(key);
            return ENCODER.encodeToString(mac.doFinal(id.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + HMAC, e);
        }
    }
}
