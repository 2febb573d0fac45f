package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a client asks for.
 *
 * @param environments 1 to 32 distinct names; all of them are granted at once or none
 * @param queueTimeout how long the run may wait; null for the policy's
 * @param lease how long the lock is kept without a heartbeat; null for the policy's
 * @param batch whether the run may be skipped in favour of one that is queued already
 * @param passesFreeze whether freezes do not hold the run back: an admin asks for it with high priority and says why
 * @param caller who asks, as authenticated; idempotency keys are the caller's own
 * @param idempotencyKey null when a repetition is to make another run
 * @param requestDigest tells a repetition from another request under the same key
 * @param seal of the lock token that the run is to have
 * @param foreignLock what the run stands for; null for a deployment
 */
public record AcquireRequest(
        List<EnvironmentName> environments,
        Mode mode,
        @Nullable Duration queueTimeout,
        @Nullable Duration lease,
        boolean batch,
        Coverage coverage,
        Priority priority,
        boolean passesFreeze,
        RunDetails details,
        String caller,
        @Nullable String idempotencyKey,
        Sha256 requestDigest,
        LockTokenSeal seal,
        @Nullable ForeignLock foreignLock) {

    public static final int MAX_ENVIRONMENTS = 32;

    /** Asks for a deployment. */
    public AcquireRequest(
            List<EnvironmentName> environments,
            Mode mode,
            @Nullable Duration queueTimeout,
            @Nullable Duration lease,
            boolean batch,
            Coverage coverage,
            Priority priority,
            boolean passesFreeze,
            RunDetails details,
            String caller,
            @Nullable String idempotencyKey,
            Sha256 requestDigest,
            LockTokenSeal seal) {
        this(
                environments,
                mode,
                queueTimeout,
                lease,
                batch,
                coverage,
                priority,
                passesFreeze,
                details,
                caller,
                idempotencyKey,
                requestDigest,
                seal,
                null);
    }

    public AcquireRequest {
        environments = List.copyOf(environments);
        if (environments.isEmpty()
                || environments.size() > MAX_ENVIRONMENTS
                || environments.stream().distinct().count() != environments.size()) {
            throw new IllegalArgumentException("a run names 1 to " + MAX_ENVIRONMENTS + " distinct environments");
        }
    }

    /**
     * Runs with the same key can cover each other: the same environments, repository and ref, where absent matches absent. One that deploys
     * nothing has a key of its own.
     */
    Sha256 batchKey() {
        String names =
                environments.stream().sorted().map(EnvironmentName::value).collect(Collectors.joining(","));
        String change = names + "\n" + part(details.repository()) + "\n" + part(details.ref());
        return Sha256.of(foreignLock == null ? change : change + "\n" + part(caller) + "\n" + part(foreignLock.id()));
    }

    /** Absent is distinct from empty, and no value can run into its neighbour. */
    private static String part(@Nullable String text) {
        return text == null ? "-" : Objects.requireNonNull(text).getBytes(StandardCharsets.UTF_8).length + ":" + text;
    }
}
