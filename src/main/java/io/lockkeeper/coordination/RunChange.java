package io.lockkeeper.coordination;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What one transition made of a run.
 *
 * @param before null for a new run
 * @param after with the same status as before when it was renewed, prioritized or asked to stop
 * @param by its caller, or the admin or approver who decided; {@code lockkeeper} for what happened by rule: a grant in turn, a deadline
 */
public record RunChange(@Nullable Run before, Run after, Actor by) {

    /** Whether it is in another status now, or new. */
    public boolean changedStatus() {
        return before == null || before.status() != after.status();
    }

    /** Whether it was granted. */
    public boolean isGrant() {
        return changedStatus() && after.status() == RunStatus.IN_PROGRESS;
    }

    /** Whether it ended; a skipped run ends as it is made. */
    public boolean isEnd() {
        return changedStatus() && after.status().hasEnded();
    }

    /** Whether its client is asked to stop from now on. */
    public boolean asksToStop() {
        return !changedStatus() && isAsked(after) && before != null && !isAsked(before);
    }

    private static boolean isAsked(Run run) {
        return run.grant() != null && run.grant().cancelRequested();
    }

    /** How long the run was in the queue that it has left now; zero when it was granted at once. Empty when it was not or still is in the queue. */
    public Optional<Duration> wait(Instant at) {
        boolean wasQueued = before != null && before.status() == RunStatus.QUEUED;
        boolean leftTheQueue = changedStatus() && after.status() != RunStatus.QUEUED && (wasQueued || isGrant());
        return leftTheQueue ? Optional.of(Duration.between(after.queuedAt(), at)) : Optional.empty();
    }

    /** How long the run held the lock that it has lost or released now. Empty when it did not end, or its client never noticed the grant. */
    public Optional<Duration> deployment() {
        Grant grant = after.grant();
        return isEnd() && grant != null && grant.pickedUpAt() != null
                ? Optional.of(Duration.between(grant.at(), Objects.requireNonNull(after.completedAt())))
                : Optional.empty();
    }
}
