package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.Quarantine;

/** Why a run cannot be granted whoever holds the locks. The queue goes on without it; it keeps its place by its id. */
sealed interface HeldBack {
    EnvironmentName environment();

    record ByFreeze(EnvironmentName environment, Freeze freeze) implements HeldBack {}

    record ByQuarantine(EnvironmentName environment, Quarantine quarantine) implements HeldBack {}
}
