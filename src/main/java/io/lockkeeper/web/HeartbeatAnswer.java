package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.lockkeeper.coordination.Grant;
import io.lockkeeper.coordination.Run;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The lease is renewed.
 *
 * @param expiresAt when the lease ends now. Count it from before you sent the heartbeat, by your own clock: {@code lease.seconds} later.
 * @param cancelRequested stop deploying and release as cancelled
 */
@JsonPropertyOrder({"outcome", "run"})
record HeartbeatAnswer(
        RunView run,
        long fencingToken,
        Instant expiresAt,
        RunAnswer.Lease lease,
        boolean cancelRequested,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String cancelReason)
        implements PlainAnswer {

    static HeartbeatAnswer of(Run run) {
        Grant grant = run.requireGrant();
        return new HeartbeatAnswer(
                RunView.of(run, null),
                grant.fencingToken().value(),
                grant.expiresAt(),
                RunAnswer.Lease.of(run),
                grant.cancelRequested(),
                grant.cancel() == null ? null : grant.cancel().reason());
    }

    @JsonProperty("outcome")
    String outcome() {
        return "granted";
    }

    @Override
    public SequencedMap<String, ? extends @Nullable Object> plain() {
        SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
        plain.put("outcome", outcome());
        plain.put("run_id", run.id());
        plain.put("status", run.status());
        plain.put("fencing_token", fencingToken);
        plain.put("lease_expires_at", expiresAt);
        plain.put("lease_seconds", lease.seconds());
        plain.put("cancel_requested", cancelRequested);
        plain.put("cancel_reason", cancelReason);
        return plain;
    }
}
