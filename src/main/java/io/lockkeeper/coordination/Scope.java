package io.lockkeeper.coordination;

import io.lockkeeper.coordination.RoundTrip.Null;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a transition is about, in the terms of the queries: which groups it locks and which runs it reads.
 *
 * @param leaving the run if it may be about to leave the queue: it does not take over what others covered
 * @param groups beyond those of the environments and of the run
 * @param approving the run if it may be about to join the queue: those that it supersedes are read
 * @param window how many queued runs of each environment are read
 * @param forceReleasing the grant that is to be taken away, if any: what another admin said of it is read
 */
record Scope(
        List<EnvironmentName> environments,
        @Nullable RunId run,
        @Nullable RunId leaving,
        Set<LockGroup> groups,
        @Nullable AcquireRequest acquire,
        boolean readsBatched,
        @Nullable RunId approving,
        int window,
        @Nullable FencingToken forceReleasing) {

    static Scope of(Transition transition) {
        return switch (transition) {
            case Transition.Acquire acquire -> ofRequest(acquire.request());
            case Transition.Check check -> ofRequest(check.request());
            case Transition.Heartbeat heartbeat -> ofRun(heartbeat.proof().run(), false, false);
            case Transition.Release release ->
                ofRun(release.proof().run(), release.report().result() == Report.Result.CANCELLED, true);
            case Transition.Cancel cancel -> ofRun(cancel.run(), true, false);
            case Transition.Sweep sweep -> ofGroups(sweep.groups());
            case Transition.SetPolicy set ->
                new Scope(
                        List.of(set.environment()),
                        null,
                        null,
                        Set.of(set.lockGroup()),
                        null,
                        false,
                        null,
                        Snapshot.WINDOW,
                        null);
            case Transition.MoveEnvironment move ->
                new Scope(
                        List.of(move.environment()),
                        null,
                        null,
                        Set.of(move.to()),
                        null,
                        false,
                        null,
                        Snapshot.WINDOW,
                        null);
            case Transition.ForceRelease force ->
                new Scope(
                        List.of(force.environment()),
                        null,
                        null,
                        Set.of(),
                        null,
                        false,
                        null,
                        Snapshot.WINDOW,
                        force.fencingToken());
            case Transition.Look look ->
                new Scope(List.of(look.environment()), null, null, Set.of(), null, false, null, Snapshot.WINDOW, null);
            case Transition.OfEnvironment admin ->
                new Scope(List.of(admin.environment()), null, null, Set.of(), null, false, null, Snapshot.WINDOW, null);
            case Transition.Approve approve ->
                new Scope(List.of(), approve.run(), null, Set.of(), null, false, approve.run(), Snapshot.WINDOW, null);
            case Transition.Reject reject -> ofRun(reject.run(), true, false);
            case Transition.Prioritize prioritize -> ofRun(prioritize.run(), false, false);
        };
    }

    private static Scope ofRequest(AcquireRequest request) {
        return new Scope(request.environments(), null, null, Set.of(), request, false, null, Snapshot.WINDOW, null);
    }

    private static Scope ofRun(RunId run, boolean leaves, boolean readsBatched) {
        return new Scope(
                List.of(), run, leaves ? run : null, Set.of(), null, readsBatched, null, Snapshot.WINDOW, null);
    }

    static Scope ofGroups(Set<LockGroup> groups) {
        return new Scope(List.of(), null, null, groups, null, false, null, Snapshot.WINDOW, null);
    }

    Scope with(Set<LockGroup> more) {
        Set<LockGroup> all = new HashSet<>(groups);
        all.addAll(more);
        return new Scope(environments, run, leaving, all, acquire, readsBatched, approving, window, forceReleasing);
    }

    /** The same with a longer look into each queue. */
    Scope deeper() {
        return new Scope(
                environments, run, leaving, groups, acquire, readsBatched, approving, window * 8, forceReleasing);
    }

    Map<String, @Nullable Object> parameters() {
        Map<String, @Nullable Object> parameters = new HashMap<>();
        parameters.put("environments", names(environments));
        parameters.put("run", Null.BIGINT.or(run == null ? null : run.value()));
        parameters.put("leaving", Null.BIGINT.or(leaving == null ? null : leaving.value()));
        parameters.put("groups", groups.stream().map(LockGroup::name).toArray(String[]::new));
        parameters.put("caller", acquire == null ? null : acquire.caller());
        parameters.put("idempotencyKey", acquire == null ? null : acquire.idempotencyKey());
        parameters.put(
                "batchKey",
                Null.BYTES.or(acquire == null ? null : acquire.batchKey().bytes()));
        parameters.put("count", acquire != null);
        parameters.put("window", window);
        parameters.put("approving", Null.BIGINT.or(approving == null ? null : approving.value()));
        parameters.put("fencingToken", Null.BIGINT.or(forceReleasing == null ? null : forceReleasing.value()));
        parameters.put("sha", acquire == null ? null : acquire.details().sha());
        parameters.put("overdueLimit", Snapshot.OVERDUE_LIMIT);
        return parameters;
    }

    static String[] names(List<EnvironmentName> environments) {
        return environments.stream().map(EnvironmentName::value).toArray(String[]::new);
    }
}
