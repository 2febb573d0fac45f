package io.lockkeeper.environment;

import java.net.URI;
import java.net.URISyntaxException;

/**
 * Where an environment says how it is. Looking at the text alone, it asks no name server: which addresses the host leads to is checked by
 * whoever connects, each time.
 *
 * @param value an http or https URL; what {@link #RULE} says
 */
public record HealthUrl(String value) {
    public static final int MAX_LENGTH = 2000;

    /** What a valid one looks like, for messages. */
    public static final String RULE = "must be an http:// or https:// URL of at most " + MAX_LENGTH
            + " ASCII characters with a host, and without user info or fragment";

    private static final int MAX_PORT = 65_535;

    public HealthUrl {
        if (!isValid(value)) {
            throw new IllegalArgumentException("health_url " + RULE);
        }
    }

    public static boolean isValid(String value) {
        // Java's URI lets other letters through, and a request line does not.
        if (value.length() > MAX_LENGTH || !value.chars().allMatch(c -> c > ' ' && c <= '~')) {
            return false;
        }
        try {
            var uri = new URI(value);
            return ("http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme()))
                    && uri.getHost() != null
                    // Secrets would be shown to everybody who may read the policy.
                    && uri.getRawUserInfo() == null
                    && uri.getRawFragment() == null
                    && uri.getPort() != 0
                    && uri.getPort() <= MAX_PORT;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    public URI uri() {
        return URI.create(value);
    }

    @Override
    public String toString() {
        return value;
    }
}
