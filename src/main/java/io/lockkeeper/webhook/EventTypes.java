package io.lockkeeper.webhook;

import java.util.Set;

/** The types of events that a webhook may ask for. A test compares them with what the service writes. */
final class EventTypes {
    static final String EVERY = "*";

    /** What a webhook is told of when it does not say. */
    static final Set<String> USUAL = Set.of(
            "queued",
            "granted",
            "skipped",
            "shipped",
            "undeployed",
            "released",
            "expired",
            "force_released",
            "frozen",
            "unfrozen",
            "frozen_all",
            "unfrozen_all",
            "quarantined");

    static final Set<String> OF_ALL_ENVIRONMENTS = Set.of("frozen_all", "unfrozen_all");

    static final Set<String> KNOWN = Set.of(
            // Of runs.
            "awaiting_approval",
            "queued",
            "granted",
            "released",
            "skipped",
            "shipped",
            "undeployed",
            "cancel_requested",
            "cancelled",
            "timed_out",
            "abandoned",
            "expired",
            "force_released",
            "rejected",
            "superseded",
            // Of the audit trail.
            "acknowledged",
            "approved",
            "cancelled_by_admin",
            "force_release_requested",
            "force_released_by_admin",
            "freeze_passed",
            "frozen",
            "frozen_all",
            "policy_changed",
            "prioritized",
            "quarantined",
            "rejected_by",
            "rollback",
            "state_deleted",
            "state_restored",
            "token_created",
            "token_revoked",
            "unfrozen",
            "unfrozen_all",
            "webhook_tested");

    private EventTypes() {}
}
