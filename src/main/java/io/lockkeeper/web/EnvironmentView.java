package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.FreezeWindow;
import io.lockkeeper.environment.OnFailure;
import io.lockkeeper.environment.Quarantine;
import io.lockkeeper.environment.QueueMode;
import io.lockkeeper.web.RunAnswer.FreezeView;
import io.lockkeeper.web.RunAnswer.QuarantineView;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An environment with its policy on the wire.
 *
 * @param declaredIn {@code configuration}, which the API does not change, or {@code api}; null when an acquire made it
 * @param freeze null while runs are granted
 * @param quarantine null unless a deployment went wrong and nobody has acknowledged it
 */
record EnvironmentView(
        String environment,
        String lockGroup,
        @Nullable DeclaredIn declaredIn,
        Policy policy,
        @Nullable FreezeView freeze,
        @Nullable QuarantineView quarantine) {

    static EnvironmentView of(Environment environment, Instant at) {
        Quarantine quarantine = environment.quarantine();
        return new EnvironmentView(
                environment.name().value(),
                environment.lockGroup().name(),
                environment.declaredIn(),
                Policy.of(environment.policy()),
                environment
                        .freezeAt(at)
                        .map(freeze -> FreezeView.of(environment.name(), freeze))
                        .orElse(null),
                quarantine == null ? null : QuarantineView.of(environment.name(), quarantine));
    }

    /** All keys, with what holds for those that nobody has said anything about. */
    record Policy(
            long leaseSeconds,
            long queueTimeoutSeconds,
            @Nullable Long maxHoldSeconds,
            int batchThreshold,
            long batchWindowSeconds,
            QueueMode queueMode,
            boolean cancelInProgress,
            int approvalsRequired,
            List<String> approvers,
            long approvalTimeoutSeconds,
            @Nullable String promoteFrom,
            OnFailure onFailure,
            @Nullable String healthUrl,
            @JsonProperty("protected") boolean isProtected,
            List<Window> freezeWindows) {

        static Policy of(EnvironmentPolicy policy) {
            Duration maxHold = policy.maxHold();
            return new Policy(
                    policy.lease().toSeconds(),
                    policy.queueTimeout().toSeconds(),
                    maxHold == null ? null : maxHold.toSeconds(),
                    policy.batchThreshold(),
                    policy.batchWindow().toSeconds(),
                    policy.queueMode(),
                    policy.cancelInProgress(),
                    policy.approvalsRequired(),
                    policy.approvers(),
                    policy.approvalTimeout().toSeconds(),
                    policy.promoteFrom() == null ? null : policy.promoteFrom().value(),
                    policy.onFailure(),
                    policy.healthUrl(),
                    policy.isProtected(),
                    policy.freezeWindows().stream().map(Window::of).toList());
        }
    }

    /** A recurring freeze. */
    record Window(String cron, String timeZone, long durationSeconds, String reason) {
        static Window of(FreezeWindow window) {
            return new Window(
                    window.cron(), window.timeZone(), window.duration().toSeconds(), window.reason());
        }
    }
}
