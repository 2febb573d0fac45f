package io.lockkeeper.security;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the bearers of some ID tokens may do.
 *
 * @param claims the pattern that each of these claims must match; at least one
 */
record OidcRule(Map<String, String> claims, Role role, List<EnvironmentPattern> environments) {

    OidcRule {
        if (claims.isEmpty()) {
            throw new IllegalArgumentException("A rule without claims would let everybody in");
        }
        claims = Map.copyOf(claims);
        environments = List.copyOf(environments);
    }

    boolean matches(Map<String, Object> token) {
        return claims.entrySet().stream().allMatch(wanted -> matches(wanted.getKey(), wanted.getValue(), token));
    }

    /**
     * Whether the token has the claim and its value fits. Should two claims of a token read alike, both must fit: no guess at which one
     * was meant lets anybody in.
     */
    private static boolean matches(String name, String pattern, Map<String, Object> token) {
        var values = token.entrySet().stream()
                .filter(claim -> reading(claim.getKey()).equals(reading(name)))
                .map(Map.Entry::getValue)
                .toList();
        return !values.isEmpty() && values.stream().allMatch(value -> matches(pattern, value));
    }

    private static boolean matches(String pattern, Object value) {
        return texts(value).anyMatch(text -> Wildcard.matches(pattern, text));
    }

    /** What a claim says. Of a list, such as that of a user's groups, one element is enough to match. An object says nothing. */
    static Stream<String> texts(Object value) {
        var elements = value instanceof Collection<?> all ? all.stream() : Stream.of(value);
        return elements.flatMap(element -> Stream.ofNullable(text(element)));
    }

    static @Nullable String text(@Nullable Object value) {
        return switch (value) {
            case String text -> text;
            case Number number -> number.toString();
            case Boolean bool -> bool.toString();
            case null, default -> null;
        };
    }

    /**
     * How a claim's name is compared: by its letters and digits. Spring Boot keeps no underscore in the name of a key, and none of an
     * environment variable can be told from a dot, so {@code project_path} arrives here in three spellings.
     */
    static String reading(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }
}
