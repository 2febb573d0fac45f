package io.lockkeeper.coordination;

import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.LockGroup;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What is to happen to the queue. Each is planned and executed as one transaction under the locks of the groups it is about. */
sealed interface Transition {

    record Acquire(AcquireRequest request) implements Transition {}

    /** The question what an acquire would come to; only ever imagined. Of a sha that is not named everything is thought to be allowed. */
    record Check(AcquireRequest request) implements Transition {}

    record Heartbeat(LockProof proof) implements Transition {}

    record Release(LockProof proof, Report report) implements Transition {}

    /**
     * Leaves the queue, or asks the holder to stop.
     *
     * @param proof null when an admin cancels
     * @param reason ends up in the run's status reason or is told to the holder
     * @param admin who, if not the run's own client
     */
    record Cancel(
            RunId run,
            @Nullable LockProof proof,
            String reason,
            @Nullable Actor admin) implements Transition {}

    /** Ends what is overdue in these groups and grants what can be granted. */
    record Sweep(Set<LockGroup> groups) implements Transition {}

    /** The same in the group of an environment, to see who holds it then. */
    record Look(EnvironmentName environment) implements Transition {}

    /**
     * Declares an environment, or changes what was declared. Its waiting runs follow it into another lock group.
     *
     * @param declaredIn null to take back what was declared; the environment is then as if an acquire had made it
     * @param byConfiguration whether the configuration says so, which the API may not contradict
     */
    record SetPolicy(
            EnvironmentName environment,
            LockGroup lockGroup,
            EnvironmentPolicy policy,
            @Nullable DeclaredIn declaredIn,
            boolean byConfiguration,
            Actor actor)
            implements Transition {}

    /** The configuration's lock group for an environment comes into force, if nobody holds its lock. */
    record MoveEnvironment(EnvironmentName environment, LockGroup to, Actor actor) implements Transition {}

    /** What people do to one environment. */
    sealed interface OfEnvironment extends Transition {
        EnvironmentName environment();

        Actor actor();
    }

    /** Stops grants, until an instant or until somebody lifts it. */
    record FreezeEnvironment(EnvironmentName environment, FreezeEnd end, Actor actor) implements OfEnvironment {}

    record Unfreeze(EnvironmentName environment, Actor actor) implements OfEnvironment {}

    /** Ends a quarantine. */
    record Acknowledge(EnvironmentName environment, Actor actor) implements OfEnvironment {}

    /**
     * Takes the lock away from its holder.
     *
     * @param fencingToken of the grant that was seen
     * @param evenIfAlive also when its client was heard a moment ago
     * @param isAdminOf where the actor is an admin: it takes that in all environments of the holder
     */
    record ForceRelease(
            EnvironmentName environment,
            FencingToken fencingToken,
            boolean evenIfAlive,
            Predicate<EnvironmentName> isAdminOf,
            Actor actor)
            implements OfEnvironment {}

    /**
     * One more approval.
     *
     * @param isAdmin whether the actor may approve anywhere, and not only where a policy names it
     */
    record Approve(RunId run, boolean isAdmin, Actor actor) implements Transition {}

    record Reject(RunId run, boolean isAdmin, Actor actor) implements Transition {}

    /** Makes a waiting run one of high priority. */
    record Prioritize(RunId run, boolean passesFreeze, Actor actor) implements Transition {}
}
