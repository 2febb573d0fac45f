package io.lockkeeper.environment;

/** The environment that is meant when none is named: {@code lockkeeper.default-environment}, {@code production} unless set. */
public record DefaultEnvironment(EnvironmentName name) {}
