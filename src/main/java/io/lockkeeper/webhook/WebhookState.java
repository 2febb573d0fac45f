package io.lockkeeper.webhook;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a webhook does, for admins. Nothing of it is a secret: of the URL there is only where it leads.
 *
 * @param url scheme, host and port
 * @param lagSeconds how old the oldest event is that the webhook has not come to; 0 when there is none
 * @param failures attempts in a row that failed
 * @param nextAttemptAt not before then is the next one; null when it did not fail last
 * @param refused events that the receiver refused until they were set aside
 * @param lost events that were deleted before the webhook came to them, those not for it included
 */
public record WebhookState(
        String name,
        String url,
        String format,
        boolean signed,
        List<String> events,
        List<String> environments,
        Status status,
        long lagSeconds,
        long delivered,
        @Nullable Instant lastDeliveredAt,
        int failures,
        @Nullable String lastError,
        @Nullable Instant lastFailedAt,
        @Nullable Instant nextAttemptAt,
        long refused,
        @Nullable Instant lastRefusedAt,
        long lost,
        @Nullable Instant lastLostAt) {

    /** What it does now. */
    public enum Status {
        /** It has nothing to do, or has begun within the last second. */
        UP_TO_DATE,
        /** A replica is at it. */
        DELIVERING,
        /** The last attempt failed; the next one comes. */
        FAILING
    }
}
