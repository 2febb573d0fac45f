package io.lockkeeper.webhook;

import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import io.lockkeeper.event.EventReader;
import io.lockkeeper.webhook.WebhookStore.Claim;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/** What one replica does for one webhook under one claim: event after event, until there is none, one fails, or the claim is lost. */
final class Delivery implements Runnable {
    /** Events that are read at a time. */
    static final int PAGE = 100;

    /** So often an event may be refused before those behind it go on: with the usual pauses, for eight minutes. */
    static final int MOST_REFUSALS = 10;

    /** While the database is away, what is to be stored is tried again so often, as long as the claim stands. */
    private static final Duration STORE_AGAIN = Duration.ofMillis(200);

    private static final Logger LOG = LoggerFactory.getLogger(Delivery.class);

    private final Webhook webhook;
    private final WebhookStore store;
    private final EventReader reader;
    private final Messages messages;
    private final WebhookMetrics metrics;
    private final Receiver receiver;
    private final Claim claim;
    private final CountDownLatch stopped = new CountDownLatch(1);

    private EventId position;
    private int failures;
    private int refusals;
    private long leaseEnd;

    /**
     * Goes on under a claim.
     *
     * @param claimedAfter {@link System#nanoTime} before the claim was written: no lease of this replica ends later than it counts from here
     */
    Delivery(
            Webhook webhook,
            Claim claim,
            long claimedAfter,
            WebhookStore store,
            EventReader reader,
            Messages messages,
            WebhookMetrics metrics) {
        this.webhook = webhook;
        this.claim = claim;
        this.store = store;
        this.reader = reader;
        this.messages = messages;
        this.metrics = metrics;
        this.receiver = new Receiver(webhook);
        this.position = claim.position();
        this.failures = claim.failures();
        this.refusals = claim.refusals();
        this.leaseEnd = claimedAfter + WebhookStore.LEASE.toNanos();
    }

    @Override
    public void run() {
        try (receiver) {
            deliver();
        } catch (DataAccessException e) {
            // The routine says that the database is away, and that it is back.
            LOG.debug("Webhook {} goes on when the database answers and its claim has lapsed.", webhook.name(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void deliver() throws InterruptedException {
        while (!isStopped()) {
            EventReader.Page page = store.inTurn(() -> reader.page(position, null, PAGE));
            Map<Long, String> runUrls =
                    store.inTurn(() -> store.runUrls(Messages.runsToLookUp(webhook, page.events())));
            for (Event event : page.events()) {
                if (webhook.wants(event)) {
                    if (isStopped() || !isCovered() || !delivered(event, runUrls)) {
                        return;
                    }
                }
                position = event.id();
            }
            position = page.upTo();
            if (page.events().size() < PAGE) {
                break;
            }
            if (!stored(() -> store.passed(claim, position))) {
                return;
            }
        }
        store.giveBack(claim, position);
    }

    /** Whether the lease is longer than an attempt takes, if need be since it is renewed; false when the claim is lost. */
    private boolean isCovered() throws InterruptedException {
        return System.nanoTime() + Receiver.TIMEOUT.toNanos() < leaseEnd || stored(() -> store.passed(claim, position));
    }

    /** Whether the event is over and done with, and the claim still stands. */
    private boolean delivered(Event event, Map<Long, String> runUrls) throws InterruptedException {
        Reply reply = receiver.post(
                messages.of(event, webhook.format(), event.runId() == null ? null : runUrls.get(event.runId())));
        return switch (reply.verdict()) {
            case DELIVERED -> {
                metrics.delivered(webhook.name());
                if (failures > 0) {
                    LOG.info("Webhook {} delivers again. {}", webhook.name(), reply.detail());
                }
                failures = 0;
                refusals = 0;
                yield stored(() -> store.delivered(claim, event.id()));
            }
            case REFUSED -> {
                refusals++;
                yield refusals < MOST_REFUSALS ? failed(event, reply) : setAside(event, reply);
            }
            case FAILED, GONE -> failed(event, reply);
        };
    }

    private boolean failed(Event event, Reply reply) throws InterruptedException {
        if (isStopped() && reply.status() == null) {
            store.giveBack(claim, position);
            return false;
        }
        metrics.failed(webhook.name());
        failures++;
        Duration pause = BackOff.after(failures, reply);
        if (failures == 1) {
            LOG.warn(
                    "Webhook {} could not deliver event {}, which is tried again, later and later; those behind it wait. {}",
                    webhook.name(),
                    event.id(),
                    reply.detail());
        }
        stored(() -> {
            store.failed(claim, position, failures, refusals, reply.detail(), pause);
            return true;
        });
        return false;
    }

    private boolean setAside(Event event, Reply reply) throws InterruptedException {
        metrics.refused(webhook.name());
        LOG.warn(
                "Webhook {} has set event {} ({}) aside: its receiver refused it {} times. {}",
                webhook.name(),
                event.id(),
                event.type(),
                refusals,
                reply.detail());
        failures = 0;
        refusals = 0;
        return stored(() -> store.setAside(claim, event.id(), reply.detail()));
    }

    /**
     * Stores what has happened, and renews the lease by it. A connection that breaks must not make the receiver hear an event twice: as long as
     * nobody else can have claimed the webhook, it is tried again.
     */
    private boolean stored(BooleanSupplier write) throws InterruptedException {
        while (true) {
            long before = System.nanoTime();
            try {
                boolean stands = write.getAsBoolean();
                leaseEnd = before + WebhookStore.LEASE.toNanos();
                return stands;
            } catch (DataAccessException e) {
                if (System.nanoTime() > leaseEnd || stopped.await(STORE_AGAIN.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw e;
                }
            }
        }
    }

    private boolean isStopped() {
        return stopped.getCount() == 0;
    }

    /** Sends nothing more. What is being sent may be answered and stored. */
    void stop() {
        stopped.countDown();
    }

    /** Waits for no answer any more. */
    void abort() {
        stop();
        receiver.abort();
    }
}
