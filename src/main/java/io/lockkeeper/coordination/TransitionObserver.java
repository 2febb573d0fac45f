package io.lockkeeper.coordination;

/** Told of what transitions have done, for logs and metrics; decides nothing. */
@FunctionalInterface
public interface TransitionObserver {
    /**
     * Called once for each transition that did something, on its thread, when it is committed, its locks are free and those who wait are woken.
     * The client's answer waits for it: neither block nor read the database. What it throws is logged, and the transition stands. Transitions
     * of several threads may be told in another order than they were committed in.
     */
    void committed(Effects effects);
}
