package io.lockkeeper.environment;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the service's configuration says about environments: {@code lockkeeper.environments}. */
public final class DeclaredEnvironments {
    private final boolean createdByAcquire;
    private final SortedMap<EnvironmentName, PolicyDeclaration> declarations;

    /**
     * Makes them from what was read and checked.
     *
     * @param createdByAcquire whether an acquire makes an environment that does not exist yet
     */
    public DeclaredEnvironments(boolean createdByAcquire, Map<EnvironmentName, PolicyDeclaration> declarations) {
        this.createdByAcquire = createdByAcquire;
        this.declarations = new TreeMap<>(declarations);
    }

    public boolean areCreatedByAcquire() {
        return createdByAcquire;
    }

    public SortedMap<EnvironmentName, PolicyDeclaration> declarations() {
        return declarations;
    }
}
