package io.lockkeeper.metrics;

import io.lockkeeper.coordination.Effects;
import io.lockkeeper.coordination.Figures;
import io.lockkeeper.coordination.Refusal;
import io.lockkeeper.coordination.RunChange;
import io.lockkeeper.coordination.TransitionObserver;
import io.lockkeeper.environment.EnvironmentName;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Counts and measures what the transitions of this replica have done. */
final class RunMeters implements TransitionObserver {
    private final MeterRegistry registry;
    private final EnvironmentLabels environments;
    private final TierLabels tiers;
    private final Map<String, EnvironmentMeters> meters = new ConcurrentHashMap<>();

    RunMeters(MeterRegistry registry, EnvironmentLabels environments, TierLabels tiers) {
        this.registry = registry;
        this.environments = environments;
        this.tiers = tiers;
        environments.values().forEach(this::meters);
    }

    @Override
    public void committed(Effects effects) {
        effects.created().forEach(environment -> meters(environments.of(environment)));
        for (RunChange change : effects.runs()) {
            String tier = tiers.of(change.after().details().tier());
            change.after()
                    .environments()
                    .forEach(environment -> meters(environments.of(environment)).count(change, tier, effects.at()));
        }
        Refusal refusal = effects.refusal();
        if (refusal != null) {
            for (EnvironmentName environment : refusal.environments()) {
                String label = refusal.unknown().contains(environment)
                        ? environments.ofRequested(environment)
                        : environments.of(environment);
                meters(label).count(refusal);
            }
        }
    }

    /** Makes what is missing, at zero, for the environments that there are and the tiers that are pending; removes what has lost its label. */
    void register(List<Figures> standing) {
        meters.forEach((label, old) -> {
            if (!label.equals(Labels.OTHER) && !environments.values().contains(label)) {
                meters.remove(label);
                old.remove();
            }
        });
        for (Figures figures : standing) {
            EnvironmentMeters of = meters(environments.ofRequested(figures.environment()));
            figures.pendingTiers().forEach(tier -> of.expect(tiers.of(tier)));
        }
    }

    private EnvironmentMeters meters(String environment) {
        return meters.computeIfAbsent(environment, label -> new EnvironmentMeters(registry, label));
    }
}
