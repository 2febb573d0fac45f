package io.lockkeeper.metrics;

import io.lockkeeper.coordination.Refusal;
import io.lockkeeper.coordination.RunChange;
import io.lockkeeper.coordination.RunStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;

/** What is counted and measured under one value of the label {@code environment}. All of it is there at zero from the beginning. */
final class EnvironmentMeters {
    private static final Duration[] WAITS = seconds(1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400);
    private static final Duration[] DEPLOYMENTS =
            seconds(15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200, 14_400);

    /** What a run becomes that leaves the queue. */
    private static final Set<RunStatus> AFTER_THE_QUEUE = EnumSet.of(
            RunStatus.IN_PROGRESS, RunStatus.TIMED_OUT, RunStatus.ABANDONED, RunStatus.CANCELLED, RunStatus.SUPERSEDED);

    /** What a run becomes that has held the lock. */
    private static final Set<RunStatus> AFTER_A_DEPLOYMENT = EnumSet.of(
            RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELLED, RunStatus.EXPIRED, RunStatus.PREEMPTED);

    private final MeterRegistry registry;
    private final String environment;
    private final Collection<Meter> all = new ConcurrentLinkedQueue<>();
    private final Map<RunStatus, Counter> ends = new ConcurrentHashMap<>();
    private final Map<RunStatus, Timer> waits = new ConcurrentHashMap<>();
    private final Map<Deployment, Timer> deployments = new ConcurrentHashMap<>();
    private final Map<Refusal.Code, Counter> refusals = new ConcurrentHashMap<>();
    private final Counter timeouts;
    private final Counter orphans;
    private final Counter forceReleases;

    private record Deployment(String tier, RunStatus status) {}

    EnvironmentMeters(MeterRegistry registry, String environment) {
        this.registry = registry;
        this.environment = environment;
        this.timeouts = kept(counter(
                        "lockkeeper.lock.timeouts",
                        "Runs that waited in the queue for longer than their queue time-out.")
                .register(registry));
        this.orphans = kept(counter("lockkeeper.lock.orphans", "Runs that lost the lock because their lease ran out.")
                .register(registry));
        this.forceReleases = kept(counter("lockkeeper.force.releases", "Runs that an admin took the lock from.")
                .register(registry));
        EnumSet.allOf(RunStatus.class).stream().filter(RunStatus::hasEnded).forEach(this::ends);
        AFTER_THE_QUEUE.forEach(this::waits);
        EnumSet.allOf(Refusal.Code.class).forEach(this::refusals);
        expect(Labels.NONE);
    }

    /** A deployment with this tier may come: what it will be measured by is there at zero before. */
    void expect(String tier) {
        AFTER_A_DEPLOYMENT.forEach(status -> deployments(tier, status));
    }

    /**
     * A run was made or changed.
     *
     * @param tier its label value
     * @param at when, by the database's clock
     */
    void count(RunChange change, String tier, Instant at) {
        RunStatus status = change.after().status();
        change.wait(at).ifPresent(waits(status)::record);
        if (!status.hasEnded()) {
            expect(tier);
        } else if (change.isEnd()) {
            ends(status).increment();
            change.deployment().ifPresent(deployments(tier, status)::record);
            countTrouble(change);
        }
    }

    private void countTrouble(RunChange change) {
        switch (change.after().status()) {
            case TIMED_OUT -> {
                if (change.before() != null && change.before().status() == RunStatus.QUEUED) {
                    timeouts.increment();
                }
            }
            case EXPIRED -> orphans.increment();
            case PREEMPTED -> forceReleases.increment();
            default -> {}
        }
    }

    void count(Refusal refusal) {
        refusals(refusal.code()).increment();
    }

    /** The environment has no label value of its own any more. */
    void remove() {
        all.forEach(registry::remove);
    }

    private Counter ends(RunStatus status) {
        return ends.computeIfAbsent(
                status,
                _ -> kept(counter("lockkeeper.runs", "How runs ended.")
                        .tag(Labels.OUTCOME, status.label())
                        .register(registry)));
    }

    private Timer waits(RunStatus status) {
        return waits.computeIfAbsent(
                status,
                _ -> kept(Timer.builder("lockkeeper.lock.wait")
                        .description("How long runs were queued.")
                        .tag(Labels.ENVIRONMENT, environment)
                        .tag(Labels.OUTCOME, status == RunStatus.IN_PROGRESS ? "granted" : status.label())
                        .serviceLevelObjectives(WAITS)
                        .register(registry)));
    }

    private Timer deployments(String tier, RunStatus status) {
        return deployments.computeIfAbsent(
                new Deployment(tier, status),
                _ -> kept(Timer.builder("lockkeeper.deployment.duration")
                        .description("How long the lock was held, from the grant.")
                        .tag(Labels.ENVIRONMENT, environment)
                        .tag(Labels.TIER, tier)
                        .tag(Labels.STATUS, status.label())
                        .serviceLevelObjectives(DEPLOYMENTS)
                        .register(registry)));
    }

    private Counter refusals(Refusal.Code code) {
        return refusals.computeIfAbsent(
                code,
                _ -> kept(counter("lockkeeper.acquire.refusals", "Acquires that made no run.")
                        .tag(Labels.CODE, code.label())
                        .register(registry)));
    }

    private Counter.Builder counter(String name, String description) {
        return Counter.builder(name).description(description).tag(Labels.ENVIRONMENT, environment);
    }

    private <M extends Meter> M kept(M meter) {
        all.add(meter);
        return meter;
    }

    private static Duration[] seconds(int... bounds) {
        return IntStream.of(bounds).mapToObj(Duration::ofSeconds).toArray(Duration[]::new);
    }
}
