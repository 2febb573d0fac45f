package io.lockkeeper.coordination;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a client says when it releases.
 *
 * @param deployedSha what it deployed, null for the sha it was told to deploy
 */
public record Report(Result result, @Nullable String deployedSha) {

    /** How a deployment went, in its client's words. */
    public enum Result {
        SUCCESS,
        FAILURE,
        CANCELLED;

        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        RunStatus status() {
            return RunStatus.valueOf(name());
        }
    }
}
