package io.lockkeeper.metrics;

import io.lockkeeper.coordination.Figures;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Shows how things stand, by the last read of the database. */
final class StandingGauges {
    private final MeterRegistry registry;
    private final LatestFigures latest;
    private final EnvironmentLabels environments;
    private final RunMeters meters;
    private final Map<String, List<Meter>> gauges = new HashMap<>();
    private LatestFigures.@Nullable Read applied;
    private volatile Map<String, Figures> byLabel = Map.of();

    StandingGauges(MeterRegistry registry, LatestFigures latest, EnvironmentLabels environments, RunMeters meters) {
        this.registry = registry;
        this.latest = latest;
        this.environments = environments;
        this.meters = meters;
    }

    /** To be called before a scrape: whatever is known by now is there when it begins. */
    void refresh() {
        latest.refresh();
        apply();
    }

    private synchronized void apply() {
        LatestFigures.Read read = latest.last();
        if (read == null || read.equals(applied)) {
            return;
        }
        applied = read;
        List<Figures> figures = read.figures();
        environments.rank(figures.stream().map(Figures::environment).toList());
        byLabel = byLabel(figures);
        gauges.entrySet().removeIf(of -> {
            boolean isGone = !byLabel.containsKey(of.getKey());
            if (isGone) {
                of.getValue().forEach(registry::remove);
            }
            return isGone;
        });
        byLabel.keySet().forEach(label -> gauges.computeIfAbsent(label, this::register));
        meters.register(figures);
    }

    private Map<String, Figures> byLabel(List<Figures> figures) {
        Map<String, Figures> labelled = new HashMap<>();
        figures.forEach(
                one -> labelled.merge(environments.ofRequested(one.environment()), one, StandingGauges::greatest));
        return Map.copyOf(labelled);
    }

    /** What environments that share a label show: the worst of each. */
    private static Figures greatest(Figures one, Figures other) {
        return new Figures(
                one.environment(),
                Math.max(one.pending(), other.pending()),
                Math.max(one.oldestWaitSeconds(), other.oldestWaitSeconds()),
                Math.max(one.heldSeconds(), other.heldSeconds()),
                Math.max(one.skipRatio(), other.skipRatio()),
                Math.max(one.undeployedShas(), other.undeployedShas()),
                one.isFrozen() || other.isFrozen(),
                one.isQuarantined() || other.isQuarantined(),
                Set.of());
    }

    private List<Meter> register(String environment) {
        return List.of(
                gauge(
                        "lockkeeper.queue.length",
                        null,
                        "Pending runs of the lock group, the running one included.",
                        environment,
                        Figures::pending),
                gauge(
                        "lockkeeper.oldest.waiter",
                        "seconds",
                        "How long the run that was queued first has waited.",
                        environment,
                        Figures::oldestWaitSeconds),
                gauge(
                        "lockkeeper.lock.held",
                        "seconds",
                        "How long the lock has been held; 0 when it is free.",
                        environment,
                        Figures::heldSeconds),
                gauge(
                        "lockkeeper.skip.ratio",
                        null,
                        "Of the runs that ended in the last 24 hours, the part that was skipped.",
                        environment,
                        Figures::skipRatio),
                gauge(
                        "lockkeeper.undeployed.shas",
                        null,
                        "Shas of skipped runs that nobody is to deploy any more and nobody has.",
                        environment,
                        Figures::undeployedShas),
                gauge(
                        "lockkeeper.frozen",
                        null,
                        "1 while a freeze stops grants.",
                        environment,
                        figures -> figures.isFrozen() ? 1 : 0),
                gauge(
                        "lockkeeper.quarantined",
                        null,
                        "1 until somebody acknowledges a failed or lost deployment.",
                        environment,
                        figures -> figures.isQuarantined() ? 1 : 0));
    }

    private Meter gauge(
            String name,
            @Nullable String unit,
            String description,
            String environment,
            ToDoubleFunction<Figures> value) {
        return Gauge.builder(name, () -> read(environment, value))
                .baseUnit(unit)
                .description(description)
                .tag(Labels.ENVIRONMENT, environment)
                .register(registry);
    }

    private double read(String environment, ToDoubleFunction<Figures> value) {
        Figures figures = byLabel.get(environment);
        return figures == null || latest.isStale() ? Double.NaN : value.applyAsDouble(figures);
    }
}
