package io.lockkeeper.webhook;

import io.lockkeeper.event.EventReader;
import io.lockkeeper.webhook.WebhookStore.Look;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks who has something to do, and starts a thread for each that this replica can claim. A round waits for nobody; a receiver that never
 * answers keeps its own thread only.
 */
final class WebhookDispatcher {
    /** How late an event is sent at most, when nothing stands in its way. */
    static final Duration PAUSE = Duration.ofSeconds(1);

    private static final Duration DECLARE_AGAIN = Duration.ofMinutes(1);

    /** A stop waits so long for answers, so that fewer events are sent twice. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(WebhookDispatcher.class);

    private final Map<String, Webhook> webhooks = new LinkedHashMap<>();
    private final WebhookStore store;
    private final EventReader reader;
    private final Messages messages;
    private final WebhookMetrics metrics;

    private final Map<String, UnderWay> underWay = new HashMap<>();
    private boolean stopping;
    private long declaredAt;

    WebhookDispatcher(
            Collection<Webhook> webhooks,
            WebhookStore store,
            EventReader reader,
            Messages messages,
            WebhookMetrics metrics) {
        webhooks.forEach(webhook -> this.webhooks.put(webhook.name(), webhook));
        this.store = store;
        this.reader = reader;
        this.messages = messages;
        this.metrics = metrics;
    }

    private record UnderWay(Delivery delivery, Thread thread) {}

    /** Before the first request is taken, so that a new webhook is told of what that one does. */
    void declare() {
        store.declare(webhooks.keySet());
        declaredAt = System.nanoTime();
    }

    /** Starts what is due. For one thread. */
    void round() {
        if (System.nanoTime() - declaredAt > DECLARE_AGAIN.toNanos()) {
            declare();
        }
        if (webhooks.isEmpty()) {
            return;
        }
        for (Look look : store.look(webhooks.keySet())) {
            metrics.lag(look.name(), look.lag());
            if (look.due() && !isUnderWay(look.name())) {
                long before = System.nanoTime();
                store.claim(look.name()).ifPresent(claim -> start(claim, before));
            }
        }
    }

    private synchronized boolean isUnderWay(String name) {
        return stopping || underWay.containsKey(name);
    }

    private synchronized void start(WebhookStore.Claim claim, long claimedAfter) {
        if (stopping) {
            store.giveBack(claim, claim.position());
            return;
        }
        Webhook webhook = Objects.requireNonNull(webhooks.get(claim.webhook()));
        var delivery = new Delivery(webhook, claim, claimedAfter, store, reader, messages, metrics);
        Thread thread = Thread.ofVirtual()
                .name("lockkeeper-webhook-" + webhook.name())
                .uncaughtExceptionHandler((_, e) -> LOG.error("Webhook {} failed.", webhook.name(), e))
                .unstarted(() -> {
                    try {
                        delivery.run();
                    } finally {
                        ended(webhook.name());
                    }
                });
        underWay.put(webhook.name(), new UnderWay(delivery, thread));
        thread.start();
    }

    private synchronized void ended(String name) {
        underWay.remove(name);
    }

    /** Starts nothing more, gives what is being sent a moment, and waits for nobody longer than that. */
    void stop() {
        List<UnderWay> left;
        synchronized (this) {
            stopping = true;
            left = List.copyOf(underWay.values());
        }
        left.forEach(each -> each.delivery().stop());
        join(left);
        left.forEach(each -> each.delivery().abort());
        join(left);
    }

    private static void join(List<UnderWay> left) {
        long end = System.nanoTime() + GRACE.toNanos();
        try {
            for (UnderWay each : left) {
                Duration patience = Duration.ofNanos(Math.max(1, end - System.nanoTime()));
                each.thread().join(patience);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
