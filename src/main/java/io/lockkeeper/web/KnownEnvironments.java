package io.lockkeeper.web;

import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import org.springframework.stereotype.Component;

/** Refuses to answer about environments that no run has named yet; the configured default one is there from the start. */
@Component
public final class KnownEnvironments {
    private final DefaultEnvironment defaultEnvironment;

    KnownEnvironments(DefaultEnvironment defaultEnvironment) {
        this.defaultEnvironment = defaultEnvironment;
    }

    /**
     * Passes only for the default environment.
     *
     * @param environment known not to be in the database
     */
    public void requireDefault(EnvironmentName environment) {
        if (!defaultEnvironment.name().equals(environment)) {
            throw Problem.of(
                            ProblemType.ENVIRONMENT_UNKNOWN,
                            "No run has named an environment " + environment
                                    + " yet. Check the spelling; the first acquire makes it.")
                    .with("environment", environment.value())
                    .asException();
        }
    }
}
