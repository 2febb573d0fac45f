package io.lockkeeper.database;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * Lockkeeper cannot start here, for a reason that the person who starts it can remove. It reaches that person as one line on stderr
 * (see {@link OneLineFailureReporter}), so both parts are whole sentences, and neither may hold a secret.
 */
public final class StartupRefused extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final String description;
    private final String action;

    /**
     * @param description what is wrong, where
     * @param action what to do about it
     */
    public StartupRefused(String description, String action) {
        this(description, action, null);
    }

    public StartupRefused(String description, String action, @Nullable Throwable cause) {
        super(description + " " + action, cause);
        this.description = description;
        this.action = action;
    }

    public String description() {
        return description;
    }

    public String action() {
        return action;
    }
}
