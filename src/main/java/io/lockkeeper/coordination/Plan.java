package io.lockkeeper.coordination;

import io.lockkeeper.environment.LockGroup;
import java.util.List;
import java.util.Set;

/** What a transition comes to. */
sealed interface Plan {

    /**
     * This is what happens.
     *
     * @param changes to be executed in this order
     * @param verdict what the caller is told
     * @param woken what clients may be waiting for
     */
    record Decided(List<Change> changes, Verdict verdict, Wake woken) implements Plan {}

    /** Nothing can be decided yet: a run in the way has claims in these groups too. Start again with their locks. */
    record NeedsLocks(Set<LockGroup> groups) implements Plan {}

    /** Nothing can be decided yet: all the queued runs that were read are held back, and behind them there are more. Start again with more. */
    record NeedsMore() implements Plan {}
}
