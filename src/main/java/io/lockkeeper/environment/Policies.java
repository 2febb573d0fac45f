package io.lockkeeper.environment;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** The one place that says which policy and which lock group an environment has. For now every environment has the defaults. */
@Component
public final class Policies {

    /**
     * The environment as a transition is to see it.
     *
     * @param stored the lock group that the database has for it, null when no run has named the environment yet
     */
    public Environment environment(EnvironmentName name, @Nullable LockGroup stored) {
        LockGroup group = stored == null ? new LockGroup(name.value()) : stored;
        return new Environment(name, group, EnvironmentPolicy.DEFAULT, stored != null);
    }
}
