package io.lockkeeper.security;

import java.io.Serializable;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which environments a token is for: a name, or one with {@code *} for any characters, also for none. {@code shop-*} is every
 * environment that begins so.
 *
 * @param text 1 to 64 of the characters of environment names and {@code *}; {@code [a-z0-9*]} first and last
 */
public record EnvironmentPattern(String text) implements Serializable {

    /** The rule as a regular expression. The schema has it too (constraint {@code api_token_environments_are_valid}). */
    public static final String PATTERN = "[a-z0-9*]([a-z0-9._*-]{0,62}[a-z0-9*])?";

    // Before the constants below, whose constructor reads it.
    private static final Pattern VALID = Pattern.compile(PATTERN);

    /** Every environment, also those to come. */
    public static final EnvironmentPattern ANY = new EnvironmentPattern("*");

    /** What a token is for when nobody says otherwise. */
    public static final List<EnvironmentPattern> EVERYWHERE = List.of(ANY);

    public EnvironmentPattern {
        if (!VALID.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "An environment pattern has 1 to 64 of a-z, 0-9, '.', '_', '-' and '*', and no '.', '_' or '-' first or last");
        }
    }

    /** Whether it leaves out no environment. */
    public boolean matchesEverything() {
        return text.chars().allMatch(character -> character == '*');
    }

    /**
     * Whether this environment is meant. When characters do not fit, the last star seen takes one more; the stars before it need not
     * be tried again, so this takes at most the product of both lengths. A regular expression of many stars could take for ever.
     */
    public boolean matches(String environment) {
        var here = 0;
        var there = 0;
        var star = -1;
        var afterStar = 0;
        while (there < environment.length()) {
            if (here < text.length() && text.charAt(here) == '*') {
                star = here++;
                afterStar = there;
            } else if (here < text.length() && text.charAt(here) == environment.charAt(there)) {
                here++;
                there++;
            } else if (star >= 0) {
                here = star + 1;
                there = ++afterStar;
            } else {
                return false;
            }
        }
        return text.substring(here).chars().allMatch(character -> character == '*');
    }

    @Override
    public String toString() {
        return text;
    }
}
