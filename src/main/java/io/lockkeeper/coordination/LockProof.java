package io.lockkeeper.coordination;

/** A lock token that a caller showed for a run. Whether it is the run's own is decided where the run is read. */
public record LockProof(RunId run, Sha256 digest) {}
