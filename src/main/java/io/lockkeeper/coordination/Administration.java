package io.lockkeeper.coordination;

import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.LockGroup;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What people do beside deploying. Each call is one transition and says so in the audit trail, in the same transaction. Faults are exceptions
 * of Spring's {@code DataAccessException} family, and then nothing has happened unless the connection broke during the commit.
 */
public final class Administration {
    /** The scope of a freeze of all environments; no environment has this name. */
    private static final String ALL = "*";

    private final Execution execution;
    private final JdbcClient jdbc;

    public Administration(Execution execution, JdbcClient jdbc) {
        this.execution = execution;
        this.jdbc = jdbc;
    }

    /**
     * Declares an environment or changes what was declared. Answers Done, GroupIsHeld or, for the API, DeclaredInConfiguration. When the group
     * is held nothing has happened, unless the configuration says so: then all the rest is in force, nothing is granted in the environment, and
     * {@link #moveToDeclaredGroups} does what is left to do.
     *
     * @param where who says so
     */
    public AdminOutcome declare(
            EnvironmentName environment, LockGroup group, EnvironmentPolicy policy, DeclaredIn where, Actor actor) {
        return setPolicy(
                new Transition.SetPolicy(environment, group, policy, where, where == DeclaredIn.CONFIGURATION, actor));
    }

    /**
     * Gives an environment the defaults again. Answers Done, GroupIsHeld or, for the API, DeclaredInConfiguration.
     *
     * @param by who says so
     */
    public AdminOutcome reset(EnvironmentName environment, DeclaredIn by, Actor actor) {
        return setPolicy(new Transition.SetPolicy(
                environment,
                new LockGroup(environment.value()),
                EnvironmentPolicy.DEFAULT,
                null,
                by == DeclaredIn.CONFIGURATION,
                actor));
    }

    private AdminOutcome setPolicy(Transition.SetPolicy set) {
        Execution.Committed done = execution.run(set);
        sweep(done);
        return outcome(done);
    }

    /** Moves environments to the lock groups that the configuration has declared for them, where nobody holds the present one any more. */
    public void moveToDeclaredGroups(Actor actor) {
        record Move(EnvironmentName environment, LockGroup to) {}
        List<Move> moves = jdbc.sql("SELECT name, next_lock_group FROM environment WHERE next_lock_group IS NOT NULL")
                .query((row, number) ->
                        new Move(new EnvironmentName(row.getString(1)), new LockGroup(row.getString(2))))
                .list();
        for (Move move : moves) {
            sweep(execution.run(new Transition.MoveEnvironment(move.environment(), move.to(), actor)));
        }
    }

    /** Stops grants in one environment. Answers Done or FreezeEndImpossible. */
    public AdminOutcome freeze(EnvironmentName environment, FreezeEnd end, Actor actor) {
        return outcome(execution.run(new Transition.FreezeEnvironment(environment, end, actor)));
    }

    /** Answers Done or NotFrozen. */
    public AdminOutcome unfreeze(EnvironmentName environment, Actor actor) {
        Execution.Committed done = execution.run(new Transition.Unfreeze(environment, actor));
        sweep(done);
        return outcome(done);
    }

    /** Stops grants everywhere: when this returns, none is under way. Answers Done or FreezeEndImpossible. */
    public AdminOutcome freezeAll(FreezeEnd end, Actor actor) {
        OffsetDateTime at = now();
        if (!end.isPossible(at.toInstant())) {
            return new AdminOutcome.FreezeEndImpossible();
        }
        Instant until = end.from(at.toInstant());
        RoundTrip writes = new RoundTrip();
        ChangeWriter.addFreeze(writes, ALL, Objects.requireNonNullElse(actor.reason(), ""), until, actor.name(), at);
        withoutTransitions(
                writes,
                new Change.Audit(
                        "frozen_all",
                        List.of(),
                        null,
                        actor,
                        Map.of(),
                        until == null ? Map.of() : Map.of("until", until.toString())),
                at);
        return new AdminOutcome.Done();
    }

    /** Answers Done or NotFrozen. */
    public AdminOutcome unfreezeAll(Actor actor) {
        boolean isFrozen = jdbc.sql("""
                        SELECT EXISTS (SELECT FROM environment_freeze
                                       WHERE scope = '*' AND (until IS NULL OR until > statement_timestamp()))""").query(Boolean.class).single();
        if (!isFrozen) {
            return new AdminOutcome.NotFrozen();
        }
        RoundTrip writes = new RoundTrip();
        ChangeWriter.addLiftFreeze(writes, ALL);
        withoutTransitions(writes, new Change.Audit("unfrozen_all", List.of(), null, actor, Map.of(), Map.of()), now());
        while (execution.sweep() > 0) {
            // Wakes what may go on now, group by group.
        }
        return new AdminOutcome.Done();
    }

    private void withoutTransitions(RoundTrip writes, Change.Audit audit, OffsetDateTime at) {
        ChangeWriter.addAudit(writes, audit, at);
        execution.withoutTransitions(writes, Effects.of(at.toInstant(), audit));
    }

    /** Ends a quarantine. Answers Done or NotQuarantined. */
    public AdminOutcome acknowledge(EnvironmentName environment, Actor actor) {
        Execution.Committed done = execution.run(new Transition.Acknowledge(environment, actor));
        sweep(done);
        return outcome(done);
    }

    /**
     * Takes the lock away from its holder. Answers Ended, NotHeld, HolderChanged, NotAdminOfHolder, HolderAlive or SecondAdminNeeded.
     *
     * @param isAdminOf where the actor is an admin
     */
    public AdminOutcome forceRelease(
            EnvironmentName environment,
            FencingToken fencingToken,
            boolean evenIfAlive,
            Predicate<EnvironmentName> isAdminOf,
            Actor actor) {
        return outcome(
                execution.run(new Transition.ForceRelease(environment, fencingToken, evenIfAlive, isAdminOf, actor)));
    }

    /**
     * Answers Approved, OwnRun, NotAnApprover, NotWaiting or RunUnknown.
     *
     * @param isAdmin whether the actor may approve anywhere, and not only where a policy names it
     */
    public AdminOutcome approve(RunId run, boolean isAdmin, Actor actor) {
        return outcome(run, execution.run(new Transition.Approve(run, isAdmin, actor)));
    }

    /** Answers Ended, NotAnApprover, NotWaiting or RunUnknown. */
    public AdminOutcome reject(RunId run, boolean isAdmin, Actor actor) {
        return outcome(run, execution.run(new Transition.Reject(run, isAdmin, actor)));
    }

    /**
     * Moves a waiting run to the front. Answers Prioritized, NotWaiting or RunUnknown.
     *
     * @param passesFreeze whether freezes are no longer to hold it back
     */
    public AdminOutcome prioritize(RunId run, boolean passesFreeze, Actor actor) {
        Execution.Committed done = execution.run(new Transition.Prioritize(run, passesFreeze, actor));
        sweep(done);
        return outcome(run, done);
    }

    /** Grants what the change has made possible, without waiting for the sweeper. */
    private void sweep(Execution.Committed done) {
        Set<LockGroup> groups = done.snapshot().locked();
        if (!groups.isEmpty()) {
            execution.run(new Transition.Sweep(groups));
        }
    }

    private OffsetDateTime now() {
        return jdbc.sql("SELECT statement_timestamp()")
                .query(OffsetDateTime.class)
                .single()
                .withOffsetSameInstant(ZoneOffset.UTC);
    }

    private static AdminOutcome outcome(RunId run, Execution.Committed done) {
        return done.verdict() instanceof Verdict.RunUnknown ? new AdminOutcome.RunUnknown(run) : outcome(done);
    }

    private static AdminOutcome outcome(Execution.Committed done) {
        ChangeWriter after = done.after();
        return switch (done.verdict()) {
            case Verdict.EnvironmentChanged _ -> new AdminOutcome.Done();
            case Verdict.DeclaredInConfiguration _ -> new AdminOutcome.DeclaredInConfiguration();
            case Verdict.GroupIsHeld held -> new AdminOutcome.GroupIsHeld(holder(held.holder()));
            case Verdict.FreezeEndImpossible _ -> new AdminOutcome.FreezeEndImpossible();
            case Verdict.NotFrozen _ -> new AdminOutcome.NotFrozen();
            case Verdict.NotQuarantined _ -> new AdminOutcome.NotQuarantined();
            case Verdict.NotHeld _ -> new AdminOutcome.NotHeld();
            case Verdict.HolderChanged changed ->
                new AdminOutcome.HolderChanged(
                        holder(changed.holder()),
                        changed.holder().requireGrant().fencingToken());
            case Verdict.NotAdminOfHolder not -> new AdminOutcome.NotAdminOfHolder(holder(not.holder()));
            case Verdict.HolderAlive alive -> new AdminOutcome.HolderAlive(holder(alive.holder()), alive.holder());
            case Verdict.SecondAdminNeeded needed -> new AdminOutcome.SecondAdminNeeded(holder(needed.holder()));
            case Verdict.Ended ended -> new AdminOutcome.Ended(after.after(ended.run()));
            case Verdict.Approved approved -> new AdminOutcome.Approved(after.after(approved.run()), approved.given());
            case Verdict.Prioritized prioritized -> new AdminOutcome.Prioritized(after.after(prioritized.run()));
            case Verdict.OwnRun own -> new AdminOutcome.OwnRun(own.run());
            case Verdict.NotAnApprover not -> new AdminOutcome.NotAnApprover(not.run());
            case Verdict.NotWaiting not -> new AdminOutcome.NotWaiting(not.run());
            case Verdict other -> throw new IllegalStateException("the planner answered " + other);
        };
    }

    private static Blocker.Holder holder(Run run) {
        return Blocker.Holder.of(run.lockGroups().iterator().next(), run);
    }
}
