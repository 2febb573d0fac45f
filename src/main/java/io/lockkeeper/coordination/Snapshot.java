package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a transition knows: read in one go after its lock groups were locked, and bounded however long the queue is.
 *
 * @param at the one instant of the transition, by the database's clock, read after the locks (invariant 6)
 * @param lastSweptAt when a replica last swept
 * @param locked the groups whose locks the transition holds
 * @param environments those that the request names, and all of the locked groups
 * @param pending queued and in-progress runs of each locked group; read for acquires only
 * @param runs every run that the plan may need: holders, the first queued runs of each environment, overdue runs, the run the
 *     request is about, the run of its idempotency key and the run that would cover it
 * @param covers who takes over what a run covers if it ends without success; absent when it covers nothing
 * @param batched what was skipped in favour of the run that the request is about, oldest first
 * @param forceReleaseRequest read only for a forced release; null when nobody has asked yet
 * @param window how many queued runs of each environment were read
 * @param found which of {@code runs} has the request's idempotency key, and which one would cover it
 */
record Snapshot(
        Instant at,
        Instant lastSweptAt,
        Set<LockGroup> locked,
        Map<EnvironmentName, Environment> environments,
        Map<LockGroup, Integer> pending,
        Map<RunId, Run> runs,
        Map<RunId, Successor> covers,
        List<BatchedRun> batched,
        Found found,
        @Nullable ForceReleaseRequest forceReleaseRequest,
        int window) {

    /** What one admin asked for and another has to ask for too. */
    record ForceReleaseRequest(FencingToken fencingToken, String by, Instant expiresAt) {}

    /** How many queued runs of each environment are read: enough to find one that can be granted when the first few are overdue. */
    static final int WINDOW = 8;

    /** How many are read when those are all held back; what is behind them is left to the sweeper. */
    static final int WIDEST_WINDOW = 4096;

    /** How many overdue runs one transition ends; the next one ends more. */
    static final int OVERDUE_LIMIT = 100;

    /** Sweeps are a second apart. With none for this long no replica was there to hear the clients that wait. */
    static final Duration OUTAGE = Duration.ofSeconds(10);

    /**
     * Who takes over what a run covers: a queued run that is not overdue.
     *
     * @param heard one whose client is present, null when there is none
     * @param any one whether its client is present or not: for the time in which nobody can tell
     */
    record Successor(@Nullable RunId heard, @Nullable RunId any) {}

    /**
     * Runs with a part in the request.
     *
     * @param covering queued runs of the same environments, repository and ref, newest first; only the newest unless the policy is
     *     {@code latest_only}
     */
    record Found(@Nullable RunId twin, List<RunId> covering) {
        static final Found NOTHING = new Found(null, List.of());

        @Nullable
        RunId cover() {
            return covering.isEmpty() ? null : covering.getFirst();
        }
    }

    /**
     * Whether presence deadlines can be believed. After an outage of every replica or of the database they cannot: nobody was there to
     * be told. The next sweep gives the clients a new presence time; until then nobody is abandoned.
     */
    boolean heardClients() {
        return at.isBefore(lastSweptAt.plus(OUTAGE));
    }

    Optional<Run> run(@Nullable RunId id) {
        return id == null ? Optional.empty() : Optional.ofNullable(runs.get(id));
    }

    Environment environment(EnvironmentName name) {
        Environment environment = environments.get(name);
        if (environment == null) {
            throw new IllegalStateException("environment " + name + " is not in the snapshot");
        }
        return environment;
    }

    /** Whether its queries, which see one after the other, met no environment that was just moving to another lock group. */
    boolean isConsistent() {
        return environments.values().stream().allMatch(environment -> locked.contains(environment.lockGroup()));
    }

    boolean holdsLocksOf(Collection<LockGroup> groups) {
        return locked.containsAll(groups);
    }
}
