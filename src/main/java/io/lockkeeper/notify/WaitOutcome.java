package io.lockkeeper.notify;

import io.lockkeeper.coordination.RunReport;

/** What a call that may wait comes to. */
public sealed interface WaitOutcome {

    /** The run as it is now. */
    record Answer(RunReport report) implements WaitOutcome {}

    /** There is no such run. */
    record Unknown() implements WaitOutcome {}

    /** The lock token is not this run's. */
    record ProofInvalid() implements WaitOutcome {}

    /** There is no room for one more waiting call. Ask again in a few seconds. */
    record TooManyWaiting(WaitingBound bound) implements WaitOutcome {}
}
