package io.lockkeeper.metrics;

import io.lockkeeper.environment.EnvironmentName;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which environments have a label value of their own. The database ranks them, so that all replicas choose the same; one that was made since
 * has a value at once while there is room. Safe for any number of threads.
 */
final class EnvironmentLabels {
    private final int max;
    private volatile Set<EnvironmentName> named;

    EnvironmentLabels(int max, EnvironmentName defaultEnvironment) {
        this.max = max;
        this.named = Set.of(defaultEnvironment);
    }

    /** The label value of an environment that exists. */
    String of(EnvironmentName environment) {
        return named.contains(environment) || admit(environment) ? environment.value() : Labels.OTHER;
    }

    /** The label value of a name that somebody has asked for: it need not exist, so it never gets one by being asked for. */
    String ofRequested(EnvironmentName environment) {
        return named.contains(environment) ? environment.value() : Labels.OTHER;
    }

    private synchronized boolean admit(EnvironmentName environment) {
        if (named.size() < max) {
            Set<EnvironmentName> more = new HashSet<>(named);
            more.add(environment);
            named = Set.copyOf(more);
        }
        return named.contains(environment);
    }

    /** The first ones get a value of their own, and after them those that are too new to be ranked. */
    synchronized void rank(List<EnvironmentName> ranking) {
        Set<EnvironmentName> first = ranking.stream().limit(max).collect(Collectors.toCollection(LinkedHashSet::new));
        Set<EnvironmentName> newer = new HashSet<>(named);
        ranking.forEach(newer::remove);
        newer.stream().limit(max - first.size()).forEach(first::add);
        named = Set.copyOf(first);
    }

    /** The values that are in use, {@link Labels#OTHER} aside. */
    Set<String> values() {
        return named.stream().map(EnvironmentName::value).collect(Collectors.toSet());
    }
}
