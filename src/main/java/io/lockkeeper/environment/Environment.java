package io.lockkeeper.environment;

/**
 * An environment as a transition sees it.
 *
 * @param known false when no run has named it yet: the first acquire creates it
 */
public record Environment(EnvironmentName name, LockGroup lockGroup, EnvironmentPolicy policy, boolean known) {}
