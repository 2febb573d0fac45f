package io.lockkeeper.environment;

import java.util.Locale;

/** Who says what an environment's policy is. */
public enum DeclaredIn {
    /** The service's configuration; the API does not change it. */
    CONFIGURATION,
    API;

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
