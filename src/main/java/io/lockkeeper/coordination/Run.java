package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One request to deploy, as stored.
 *
 * @param environments what it deploys to, in the caller's order
 * @param lockGroups where it has claims; empty for a skipped run, which never had any
 * @param statusReason why it ended as it did, null while it is pending
 * @param queuedAt when it joined the queue; while it waits for approvals, when it was made
 * @param deadlineAt when it ends by itself unless its client acts, null once ended
 * @param grant its hold of the lock, null if it was never granted
 * @param supersededBy the newer run that took its place, null unless it was superseded
 * @param passesFreeze whether freezes do not hold it back
 * @param approvals who has approved it; read only for the run that a transition is about
 * @param batch its receipt, null unless it was skipped
 * @param report what its client said at the end, kept also when that came too late
 * @param foreignLock the lock of another tool that it stands for; null for a deployment
 */
public record Run(
        RunId id,
        List<EnvironmentName> environments,
        Set<LockGroup> lockGroups,
        RunStatus status,
        @Nullable String statusReason,
        Priority priority,
        Coverage coverage,
        Duration lease,
        Instant createdAt,
        Instant queuedAt,
        @Nullable Instant completedAt,
        Instant lastContactAt,
        @Nullable Instant queueExpiresAt,
        @Nullable Instant deadlineAt,
        @Nullable Grant grant,
        LockTokenSeal seal,
        Sha256 requestDigest,
        Sha256 batchKey,
        String caller,
        boolean passesFreeze,
        int approvalsRequired,
        Set<String> approvals,
        @Nullable RunId supersededBy,
        @Nullable Batch batch,
        @Nullable Report report,
        RunDetails details,
        @Nullable ForeignLock foreignLock) {

    /** The queue's order: by priority, then by id (invariant 3). */
    static final Comparator<Run> QUEUE_ORDER =
            Comparator.comparing(Run::priority).thenComparing(Run::id);

    /** The same run with high priority. */
    Run prioritized(boolean freezesPassed) {
        return new Run(
                id,
                environments,
                lockGroups,
                status,
                statusReason,
                Priority.HIGH,
                coverage,
                lease,
                createdAt,
                queuedAt,
                completedAt,
                lastContactAt,
                queueExpiresAt,
                deadlineAt,
                grant,
                seal,
                requestDigest,
                batchKey,
                caller,
                passesFreeze || freezesPassed,
                approvalsRequired,
                approvals,
                supersededBy,
                batch,
                report,
                details,
                foreignLock);
    }

    /** Whether it deploys something: what it ends as then says what is live. */
    public boolean isDeployment() {
        return foreignLock == null;
    }

    boolean isOverdue(Instant at) {
        return deadlineAt != null && !at.isBefore(deadlineAt);
    }

    /** Whether a grant waits for its client to notice. */
    boolean awaitsPickUp() {
        return status == RunStatus.IN_PROGRESS && grant != null && grant.pickedUpAt() == null;
    }

    /** The grant of a run that was granted; a fault for any other. */
    public Grant requireGrant() {
        if (grant == null) {
            throw new IllegalStateException("run " + id + " was never granted");
        }
        return grant;
    }
}
