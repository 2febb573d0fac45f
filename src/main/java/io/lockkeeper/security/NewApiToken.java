package io.lockkeeper.security;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an admin wants a token to be.
 *
 * @param name 1 to 100 printable characters, no space first or last; not {@code admin}, however it is capitalised
 * @param environments 1 to 32
 * @param lifetime null: it never expires
 */
public record NewApiToken(
        String name,
        Role role,
        List<EnvironmentPattern> environments,
        @Nullable Duration lifetime) {

    /**
     * The rule for names as a regular expression. Nothing invisible: two names that look alike would be one person to whoever reads the
     * audit trail.
     */
    public static final String NAME_PATTERN = "(?! )[[^\\p{C}\\p{Z}] ]{1,100}(?<! )";

    /** What {@link #NAME_PATTERN} wants, for messages. */
    public static final String NAME_RULE = "must be 1 to 100 printable characters, with no space first or last";

    public static final int MOST_ENVIRONMENTS = 32;

    private static final Pattern NAME = Pattern.compile(NAME_PATTERN);

    public NewApiToken {
        if (!NAME.matcher(name).matches() || isReserved(name)) {
            throw new IllegalArgumentException("The name of a token " + NAME_RULE + ", and not be reserved");
        }
        if (environments.isEmpty() || environments.size() > MOST_ENVIRONMENTS) {
            throw new IllegalArgumentException("A token is for 1 to " + MOST_ENVIRONMENTS + " environment patterns");
        }
        if (lifetime != null && lifetime.toSeconds() < 1) {
            throw new IllegalArgumentException("A token lives for a second or longer");
        }
        environments = List.copyOf(environments);
    }

    /** Whether it is the name of the admin token's bearer. */
    public static boolean isReserved(String name) {
        return name.equalsIgnoreCase(AdminTokenProvider.NAME);
    }
}
