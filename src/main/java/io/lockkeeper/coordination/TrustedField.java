package io.lockkeeper.coordination;

import java.util.Locale;

/** What a run says of itself that somebody else can vouch for: the CI system, by the claims of the caller's ID token. */
public enum TrustedField {
    SHA(100),
    REF(255),
    REPOSITORY(255),
    USER(255),
    RUN_URL(2000);

    private final int longest;

    TrustedField(int longest) {
        this.longest = longest;
    }

    /** How many characters the field takes. */
    public int longest() {
        return longest;
    }

    /** As it is stored and told, such as {@code run_url}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static TrustedField of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }
}
