package io.lockkeeper.history;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run with all that is known of its life.
 *
 * @param pickedUp when its client learned of the grant
 * @param lastContact when its client was last heard
 * @param leaseExpires null before the grant
 * @param reportedStatus what its client said at the end, also when that came too late to count
 * @param decisions what people did about it, oldest first, at most 100
 * @param includes runs that were skipped in its favour, at most 100
 */
public record RunStory(
        PastRun run,
        @Nullable Instant pickedUp,
        Instant lastContact,
        @Nullable Instant leaseExpires,
        @Nullable Instant cancelRequested,
        @Nullable String cancelReason,
        int approvalsRequired,
        @Nullable String reportedStatus,
        List<Approval> approvals,
        List<Decision> decisions,
        List<Long> includes) {
    public RunStory {
        approvals = List.copyOf(approvals);
        decisions = List.copyOf(decisions);
        includes = List.copyOf(includes);
    }

    public record Approval(String approver, @Nullable String comment, Instant at) {}

    /**
     * A line of the audit trail.
     *
     * @param action such as {@code prioritized}
     */
    public record Decision(
            Instant at,
            String actor,
            String action,
            @Nullable String reason) {}
}
