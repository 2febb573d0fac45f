package io.lockkeeper.health;

import io.lockkeeper.health.HealthStore.Claim;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Probes what is due, a few environments at a time. Only the thread of its routine talks to the database, so that an outage is noticed,
 * and said, in one place; probes run beside it and put their findings in a queue.
 */
final class HealthProber {
    private static final Logger LOG = LoggerFactory.getLogger(HealthProber.class);

    /** Probes of one replica that are under way, or have ended and are not stored yet. */
    static final int AT_ONCE = 8;

    /** While probes are under way, what else has become due is looked for this often. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

    private final HealthStore store;
    private final Duration pause;
    private final Probe probe;
    private final BlockingQueue<Result> ended = new LinkedBlockingQueue<>();

    /** Kept across rounds: one that the database cut short leaves its probes to the next. */
    private int underWay;

    private @Nullable Result unstored;
    private volatile boolean stopping;

    HealthProber(HealthStore store, HealthProperties properties) {
        this.store = store;
        this.pause = properties.pause();
        this.probe = new Probe(properties.timeout());
    }

    private record Result(Claim claim, Finding finding) {}

    /** Claims, probes and stores until nothing is due. For one thread. */
    void round() {
        do {
            storeEnded();
            for (Claim claim : store.claim(pause, AT_ONCE - underWay)) {
                underWay++;
                Thread.ofVirtual().name("lockkeeper-health").start(() -> ended.add(new Result(claim, find(claim))));
            }
        } while (underWay > 0 && !stopping && awaitOne());
    }

    /** Whatever happens there is a finding: without one the probe would count as under way for ever. */
    private Finding find(Claim claim) {
        try {
            return probe.of(claim.url());
        } catch (Throwable e) {
            LOG.error("The probe of {} failed.", claim.environment(), e);
            return Finding.degraded("The probe failed; the log of the service says why.");
        }
    }

    /** From now on a round starts nothing more and leaves what is under way. */
    void stop() {
        stopping = true;
    }

    private void storeEnded() {
        // The one at hand stays at hand until it is stored.
        for (Result next = next(); next != null; next = next()) {
            unstored = next;
            store.store(next.claim(), next.finding());
            unstored = null;
            underWay--;
        }
    }

    private @Nullable Result next() {
        return unstored != null ? unstored : ended.poll();
    }

    private boolean awaitOne() {
        try {
            // With one at hand there is nothing to wait for.
            if (unstored == null) {
                unstored = ended.poll(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
