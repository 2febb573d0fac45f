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

    /** Whether this environment is meant. */
    public boolean matches(String environment) {
        return Wildcard.matches(text, environment);
    }

    @Override
    public String toString() {
        return text;
    }
}
