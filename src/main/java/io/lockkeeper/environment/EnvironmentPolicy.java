package io.lockkeeper.environment;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one environment. {@code docs/policy.md} has the table of all keys; {@link PolicyDeclaration} checks what people write.
 *
 * @param lease how long a granted run keeps the lock without a heartbeat, unless its request says otherwise
 * @param queueTimeout how long a run may wait in the queue, unless its request says otherwise
 * @param maxHold how long a run may hold the lock though it heartbeats; null for as long as it likes
 * @param batchThreshold with this many runs pending in the lock group a new one is skipped; 0 switches skipping off
 * @param batchWindow a new run is also skipped when the run that would cover it was queued less than this ago; zero switches it off
 * @param cancelInProgress whether a new run asks the deployment that it covers to stop
 * @param approvalsRequired how many people have to approve a run before it may queue
 * @param approvers who may approve besides admins: names of tokens or subjects
 * @param approvalTimeout how long a run waits for its approvals
 * @param promoteFrom only what was last deployed there with success may be deployed here; null for anything
 * @param healthUrl asked how the environment is; null for nobody
 * @param isProtected whether a forced release takes two admins or a longer reason
 * @param freezeWindows recurring times without grants
 */
public record EnvironmentPolicy(
        Duration lease,
        Duration queueTimeout,
        @Nullable Duration maxHold,
        int batchThreshold,
        Duration batchWindow,
        QueueMode queueMode,
        boolean cancelInProgress,
        int approvalsRequired,
        List<String> approvers,
        Duration approvalTimeout,
        @Nullable EnvironmentName promoteFrom,
        OnFailure onFailure,
        @Nullable String healthUrl,
        boolean isProtected,
        List<FreezeWindow> freezeWindows) {

    public static final EnvironmentPolicy DEFAULT = new EnvironmentPolicy(
            Duration.ofMinutes(30),
            Duration.ofHours(1),
            null,
            3,
            Duration.ZERO,
            QueueMode.FIFO,
            false,
            0,
            List.of(),
            Duration.ofDays(1),
            null,
            OnFailure.CONTINUE,
            null,
            false,
            List.of());

    public EnvironmentPolicy {
        approvers = List.copyOf(approvers);
        freezeWindows = List.copyOf(freezeWindows);
    }
}
