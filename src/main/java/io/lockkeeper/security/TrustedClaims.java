package io.lockkeeper.security;

import io.lockkeeper.coordination.TrustedField;
import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a caller's ID token says about its run, and the caller itself therefore cannot.
 *
 * @param values of the fields that the token is to vouch for; empty where it says nothing, which nobody else may fill either. A field
 *     that is not in here is the caller's to say
 */
public record TrustedClaims(Map<TrustedField, String> values) implements Serializable {

    /** Of a caller who is believed what it says. */
    public static final TrustedClaims NONE = new TrustedClaims(Map.of());

    private static final Pattern ONE_LINE = Pattern.compile("[^\\p{C}\\u2028\\u2029]+");

    public TrustedClaims {
        // In the order of the fields, and not as a Map.copyOf, whose order changes with each start.
        var sorted = new EnumMap<TrustedField, String>(TrustedField.class);
        sorted.putAll(values);
        values = Collections.unmodifiableMap(sorted);
    }

    static TrustedClaims of(Map<TrustedField, ClaimTemplate> templates, Map<String, Object> claims) {
        var values = new EnumMap<TrustedField, String>(TrustedField.class);
        templates.forEach((field, template) -> values.put(field, acceptable(field, template.fill(claims))));
        return new TrustedClaims(values);
    }

    /** The text, or an empty one if the field cannot take it. */
    private static String acceptable(TrustedField field, @Nullable String text) {
        if (text == null
                || text.isBlank()
                || text.codePointCount(0, text.length()) > field.longest()
                || !ONE_LINE.matcher(text).matches()
                || (field == TrustedField.RUN_URL && !isWebAddress(text))) {
            return "";
        }
        return text;
    }

    /** Pages make it a link, so {@code javascript:} and the like must not get in. */
    private static boolean isWebAddress(String text) {
        try {
            var address = new URI(text);
            return ("http".equalsIgnoreCase(address.getScheme()) || "https".equalsIgnoreCase(address.getScheme()))
                    && address.getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
