package io.lockkeeper.webhook;

import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.webhook.WebhookStore.Row;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What admins see and try of the webhooks that the configuration declares. */
public final class Webhooks {
    private final Map<String, Webhook> declared = new LinkedHashMap<>();
    private final WebhookStore store;
    private final Messages messages;

    /** Those that are being tested now, one test each. */
    private final Set<String> tested = ConcurrentHashMap.newKeySet();

    Webhooks(Collection<Webhook> webhooks, WebhookStore store, Messages messages) {
        webhooks.forEach(webhook -> declared.put(webhook.name(), webhook));
        this.store = store;
        this.messages = messages;
    }

    /** What a test comes to. */
    public sealed interface Test {

        /**
         * Something was sent.
         *
         * @param status the receiver's status code; null when it did not answer
         * @param detail a sentence about it
         * @param answer how its body begins
         */
        record Sent(
                String webhook, boolean delivered, @Nullable Integer status, String detail, String answer)
                implements Test {}

        /** The configuration of this replica declares no such webhook. */
        record Unknown(List<String> declared) implements Test {
            public Unknown {
                declared = List.copyOf(declared);
            }
        }

        /** A test of it is under way in this replica. */
        record Busy() implements Test {}
    }

    /** All, in order of their names. */
    public List<WebhookState> states() {
        return store.rows(declared.keySet()).stream()
                .map(row -> state(Objects.requireNonNull(declared.get(row.name())), row))
                .toList();
    }

    private static WebhookState state(Webhook webhook, Row row) {
        boolean failing = row.failures() > 0;
        return new WebhookState(
                webhook.name(),
                webhook.origin(),
                webhook.format().name().toLowerCase(Locale.ROOT),
                !webhook.keys().isEmpty(),
                List.copyOf(webhook.events()),
                webhook.environments().stream().map(EnvironmentPattern::text).toList(),
                row.claimed()
                        ? WebhookState.Status.DELIVERING
                        : failing ? WebhookState.Status.FAILING : WebhookState.Status.UP_TO_DATE,
                row.lag().toSeconds(),
                row.delivered(),
                row.lastDeliveredAt(),
                row.failures(),
                row.lastError(),
                row.lastFailedAt(),
                failing ? row.nextAttemptAt() : null,
                row.refused(),
                row.lastRefusedAt(),
                row.lost(),
                row.lastLostAt());
    }

    /**
     * Sends a message that tells of nothing, beside what is being delivered, and waits for the answer. If the receiver takes it, what waits for
     * its next attempt is sent at once.
     *
     * @param actor who tests, for the audit trail
     */
    public Test test(String name, String actor) {
        Webhook webhook = declared.get(name);
        if (webhook == null) {
            return new Test.Unknown(List.copyOf(declared.keySet()));
        }
        if (!tested.add(name)) {
            return new Test.Busy();
        }
        try (var receiver = new Receiver(webhook)) {
            store.auditTest(name, actor);
            Reply reply = receiver.post(
                    messages.test("test-" + UUID.randomUUID(), Instant.now(), name, actor, webhook.format()));
            boolean delivered = reply.verdict() == Reply.Verdict.DELIVERED;
            if (delivered) {
                store.hurry(name);
            }
            return new Test.Sent(name, delivered, reply.status(), reply.detail(), reply.excerpt());
        } finally {
            tested.remove(name);
        }
    }
}
