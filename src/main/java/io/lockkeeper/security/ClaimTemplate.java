package io.lockkeeper.security;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes a text from the claims of a token: the name of one claim, or a text with names in braces, such as {@code
 * https://ci.example/{project}/{job_id}}.
 */
record ClaimTemplate(String text) {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^{}]+)}");

    ClaimTemplate {
        if (!isValid(text)) {
            throw new IllegalArgumentException("A template has a claim's name in each pair of braces");
        }
    }

    static boolean isValid(String text) {
        var rest = PLACEHOLDER.matcher(text).replaceAll("");
        return !text.isBlank() && !rest.contains("{") && !rest.contains("}");
    }

    /** Null when the token lacks one of the claims. */
    @Nullable
    String fill(Map<String, Object> claims) {
        var matcher = PLACEHOLDER.matcher(text);
        if (!matcher.find()) {
            return OidcRule.text(claims.get(text));
        }
        var filled = new StringBuilder();
        do {
            var value = OidcRule.text(claims.get(matcher.group(1)));
            if (value == null || value.isBlank()) {
                return null;
            }
            matcher.appendReplacement(filled, Matcher.quoteReplacement(value));
        } while (matcher.find());
        return matcher.appendTail(filled).toString();
    }
}
