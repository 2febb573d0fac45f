package io.lockkeeper.metrics;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which tiers have a label value of their own: the first that are heard of. Callers make tiers up. Safe for any number of threads. */
final class TierLabels {
    private final int max;
    private final Set<String> named = new HashSet<>();

    TierLabels(int max) {
        this.max = max;
    }

    synchronized String of(@Nullable String tier) {
        if (tier == null) {
            return Labels.NONE;
        }
        if (named.size() < max) {
            named.add(tier);
        }
        return named.contains(tier) ? tier : Labels.OTHER;
    }
}
