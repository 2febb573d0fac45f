package io.lockkeeper.environment;

import java.util.regex.Pattern;

/**
 * The name of what is deployed to, such as {@code production}.
 *
 * @param value 1 to 64 characters: {@code [a-z0-9]} first and last, {@code [a-z0-9._-]} between
 */
public record EnvironmentName(String value) implements Comparable<EnvironmentName> {
    /** The rule as a regular expression. */
    public static final String PATTERN = "[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?";

    private static final Pattern VALID = Pattern.compile(PATTERN);

    /** What a valid name looks like, for messages. */
    public static final String RULE =
            "must be 1 to 64 characters of a-z, 0-9, '.', '_' and '-', with a letter or digit first and last";

    public EnvironmentName {
        if (!isValid(value)) {
            throw new IllegalArgumentException("environment name " + RULE);
        }
    }

    public static boolean isValid(String value) {
        return VALID.matcher(value).matches();
    }

    @Override
    public int compareTo(EnvironmentName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
