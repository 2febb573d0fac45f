package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;

/** A token as the password of Basic authentication (RFC 7617), which is all that Terraform sends. Taken from Terraform alone. */
public final class BasicToken {

    private static final RequestMatcher TERRAFORM = PathPatternRequestMatcher.pathPattern("/api/terraform/**");
    private static final Pattern HEADER = Pattern.compile("(?i:basic) +([A-Za-z0-9+/]{1,10922}={0,2}) *");

    private BasicToken() {}

    /** Whether Basic authentication is good for this request. */
    public static boolean isTakenFrom(HttpServletRequest request) {
        return TERRAFORM.matches(request);
    }

    /** The password, whatever the user is called; null when the header is something else, or not taken here. */
    static @Nullable String password(HttpServletRequest request) {
        var header = request.getHeader("Authorization");
        if (header == null || !isTakenFrom(request)) {
            return null;
        }
        var matcher = HEADER.matcher(header);
        if (!matcher.matches()) {
            return null;
        }
        try {
            var credentials = new String(Base64.getDecoder().decode(matcher.group(1)), StandardCharsets.UTF_8);
            var colon = credentials.indexOf(':');
            return colon < 0 ? null : credentials.substring(colon + 1);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
