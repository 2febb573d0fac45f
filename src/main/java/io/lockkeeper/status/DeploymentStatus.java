package io.lockkeeper.status;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An environment's deployment status. The fields of {@code lock}, {@code queue}, {@code last_deployment} and {@code health} that scripts rely
 * on are fixed by the schema {@code docs/deployment-status.schema.json}; more may be added, none renamed.
 *
 * @param lastDeployment the last run that deployed and has ended, however it ended; null before the first
 * @param undeployed skipped changes that nobody has deployed nor promised to, newest first, at most {@link StatusReader#LISTED}
 * @param awaitingApproval runs that people have to approve before they queue, oldest first, at most {@link StatusReader#LISTED};
 *     absent when there are none
 * @param freeze absent while runs are granted
 * @param quarantine absent unless a deployment went wrong and nobody has acknowledged it
 * @param environments a summary of each that the caller may see, the first {@link StatusReader#LISTED} by name; only when the request named none
 */
public record DeploymentStatus(
        String environment,
        Lock lock,
        Queue queue,
        @Nullable LastDeployment lastDeployment,
        Health health,
        List<Undeployed> undeployed,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<AwaitingApproval> awaitingApproval,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Frozen freeze,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Quarantined quarantine,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<Summary> environments) {

    /** Whether somebody may deploy now, and who. */
    public record Lock(String status, @Nullable Holder holder, String lockGroup) {}

    /**
     * The run that holds the lock.
     *
     * @param started when it was granted
     * @param environment the first of {@code environments}, of all of which the run has the locks
     * @param alive whether its client was heard less than half a lease ago; a forced release spares it then
     */
    public record Holder(
            @Nullable Integer pid,
            @Nullable String user,
            Instant started,
            long durationSeconds,
            @Nullable String command,
            long runId,
            String environment,
            List<String> environments,
            @Nullable String hostname,
            @Nullable String title,
            @Nullable String sha,
            @Nullable String runUrl,
            Instant lastContact,
            boolean alive,
            Instant leaseExpires,
            long fencingToken) {}

    /**
     * The pending runs.
     *
     * @param length how many, the running one included
     * @param runs the running one first, then the queue in order, at most {@link StatusReader#LISTED} of it
     */
    public record Queue(int length, List<QueuedRun> runs) {}

    /**
     * One pending run: a running one has {@code started}, a queued one {@code created} and its {@code position}.
     *
     * @param etaSeconds an estimate of the time until a queued run is granted; absent when nobody can tell
     * @param heldBackBy {@code freeze} or {@code quarantine} when that keeps it waiting, whoever has the lock; absent otherwise
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record QueuedRun(
            long id,
            String status,
            @Nullable Instant started,
            @Nullable Instant created,
            @Nullable Integer position,
            @Nullable Long etaSeconds,
            @Nullable String heldBackBy,
            String environment,
            @Nullable String priority,
            @Nullable String user,
            @Nullable String title,
            @Nullable String sha,
            @Nullable String runUrl) {}

    /** How the last deployment went. */
    public record LastDeployment(
            @Nullable String sha,
            String status,
            @Nullable String tier,
            long durationSeconds,
            Instant completed,
            long runId,
            @Nullable String reason,
            @Nullable String user,
            @Nullable String runUrl) {}

    /**
     * How the environment is, by its {@code health_url}; without one, the coordinator's own state.
     *
     * @param status {@code healthy}, {@code degraded} or {@code unhealthy}. The coordinator itself is {@code degraded} when no replica has
     *     swept for a while, so that dead runs are noticed late
     * @param checkedAt when it was last asked
     * @param detail a sentence about the answer, or about why there is none; null for the coordinator's own state
     */
    public record Health(
            String status,
            Instant checkedAt,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String detail) {}

    /** A skipped change that is live nowhere yet. */
    public record Undeployed(
            long runId,
            String sha,
            @Nullable String title,
            @Nullable String user,
            @Nullable String runUrl,
            Instant created,
            long batchedInto) {}

    /** A run that waits for people. */
    public record AwaitingApproval(
            long runId,
            @Nullable String user,
            @Nullable String title,
            @Nullable String sha,
            @Nullable String runUrl,
            Instant created,
            int approvalsRequired,
            int approvalsGiven) {}

    /**
     * Nothing is granted for now.
     *
     * @param until when it lifts itself; null for when somebody lifts it
     * @param by who froze; null for a window of the policy
     * @param everywhere whether it is the freeze of all environments
     */
    public record Frozen(
            String reason,
            @Nullable Instant until,
            @Nullable String by,
            boolean everywhere) {}

    /** A deployment went wrong, and only runs of high priority pass until somebody acknowledges it. */
    public record Quarantined(
            String reason, Instant since, @Nullable Long runId) {}

    /** One environment in a line. */
    public record Summary(
            String environment,
            String lockGroup,
            String lockStatus,
            @Nullable Long holder,
            int queueLength,
            boolean frozen,
            boolean quarantined) {}
}
