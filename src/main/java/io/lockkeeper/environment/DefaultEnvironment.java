package io.lockkeeper.environment;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** The environment that is meant when none is named: {@code lockkeeper.default-environment}, {@code production} unless set. */
@Component
public final class DefaultEnvironment {
    private final EnvironmentName name;

    DefaultEnvironment(@Value("${lockkeeper.default-environment:production}") String name) {
        if (!EnvironmentName.isValid(name)) {
            throw new IllegalArgumentException("lockkeeper.default-environment " + EnvironmentName.RULE);
        }
        this.name = new EnvironmentName(name);
    }

    public EnvironmentName name() {
        return name;
    }
}
