package io.lockkeeper.web;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.FencingToken;
import io.lockkeeper.coordination.FreezeEnd;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.RunAnswer.FreezeView;
import io.lockkeeper.web.RunAnswer.HolderView;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * What admins do to environments, for the API and for the page alike: the same guard rails, the same words. Each answers with what happened, or
 * throws the problem that says why nothing did. That the caller is an admin there is checked before.
 */
@Component
public final class EnvironmentActions {
    private final Administration administration;
    private final EnvironmentReader environments;
    private final KnownEnvironments knownEnvironments;

    EnvironmentActions(
            Administration administration, EnvironmentReader environments, KnownEnvironments knownEnvironments) {
        this.administration = administration;
        this.environments = environments;
        this.knownEnvironments = knownEnvironments;
    }

    /** Stops grants. A freeze of a name that nobody has deployed to is a slip, and would let go on what was meant. */
    public Done freeze(Caller caller, EnvironmentName name, FreezeEnd end, @Nullable String reason) {
        requireKnown(name);
        done(administration.freeze(name, end, new Actor(caller.name(), reason)), name.value());
        return new Done(
                "frozen",
                "Nothing is granted in " + name + " now"
                        + freezeOf(name)
                                .map(Freeze::until)
                                .map(until -> ", until " + until.truncatedTo(ChronoUnit.SECONDS))
                                .orElse("")
                        + ". What runs may finish; what waits keeps its place."
                        + siblings(caller, name));
    }

    private Optional<Freeze> freezeOf(EnvironmentName name) {
        return environments.find(name).flatMap(known -> known.freezeAt(environments.now()));
    }

    /** Who shares the lock is not frozen along, and may deploy. */
    private String siblings(Caller caller, EnvironmentName name) {
        Instant now = environments.now();
        LockGroup group = environments.find(name).map(Environment::lockGroup).orElse(new LockGroup(name.value()));
        List<EnvironmentName> others = environments.sharing(group).stream()
                .filter(other ->
                        !other.name().equals(name) && other.freezeAt(now).isEmpty())
                .map(Environment::name)
                .filter(other -> caller.may(Role.VIEW, other.value()))
                .toList();
        return others.isEmpty()
                ? ""
                : " " + Sentences.places(others)
                        + (others.size() == 1 ? " shares its lock and is" : " share its lock and are") + " not frozen.";
    }

    public Done unfreeze(Caller caller, EnvironmentName name) {
        requireKnown(name);
        AdminOutcome outcome = administration.unfreeze(name, new Actor(caller.name(), null));
        String remaining = freezeOf(name)
                .map(freeze -> FreezeView.of(name, freeze))
                .map(freeze -> ", but nothing is granted yet because of " + Sentences.frozen(freeze) + ".")
                .orElse("");
        return new Done(
                "unfrozen",
                outcome instanceof AdminOutcome.NotFrozen
                        ? name + " itself was not frozen" + (remaining.isEmpty() ? "." : remaining)
                        : "The freeze of " + name + " is lifted"
                                + (remaining.isEmpty() ? ", and its queue goes on." : remaining));
    }

    public Done freezeAll(Caller caller, FreezeEnd end, @Nullable String reason) {
        done(administration.freezeAll(end, new Actor(caller.name(), reason)), "all environments");
        return new Done("frozen", "Nothing is granted anywhere now. What runs may finish; what waits keeps its place.");
    }

    public Done unfreezeAll(Caller caller) {
        return administration.unfreezeAll(new Actor(caller.name(), null)) instanceof AdminOutcome.NotFrozen
                ? new Done("unfrozen", "There was no freeze of all environments.")
                : new Done("unfrozen", "The freeze of all environments is lifted, and the queues go on.");
    }

    /** Ends a quarantine. */
    public Done acknowledge(Caller caller, EnvironmentName name, @Nullable String reason) {
        requireKnown(name);
        return administration.acknowledge(name, new Actor(caller.name(), reason)) instanceof AdminOutcome.NotQuarantined
                ? new Done("acknowledged", name + " was not in quarantine.")
                : new Done("acknowledged", "The quarantine of " + name + " is over, and its queue goes on.");
    }

    /**
     * Takes the lock away from its holder. The answer has a holder when it takes a second admin and nothing is released yet.
     *
     * @param confirm what somebody typed: the environment's name
     * @param seen the grant that was looked at
     */
    public Done forceRelease(
            Caller caller,
            EnvironmentName name,
            @Nullable String confirm,
            FencingToken seen,
            boolean evenIfAlive,
            @Nullable String reason) {
        requireKnown(name);
        if (!Objects.equals(name.value(), confirm)) {
            throw Problem.of(
                            ProblemType.CONFIRM_MISMATCH,
                            "confirm must be the name of the environment, " + name + ". Nothing was released.")
                    .with("field", "confirm")
                    .asException();
        }
        AdminOutcome outcome = administration.forceRelease(
                name,
                seen,
                evenIfAlive,
                place -> caller.may(Role.ADMIN, place.value()),
                new Actor(caller.name(), reason));
        return switch (outcome) {
            case AdminOutcome.Ended ended ->
                new Done(
                        "preempted",
                        "Run " + ended.run().id()
                                + " has lost the lock. Its client stops at its next heartbeat; make sure that it has"
                                + " before you deploy.");
            case AdminOutcome.SecondAdminNeeded needed ->
                new Done(
                        "confirmation-needed",
                        name + " is protected: nothing is released yet. Another admin has 15 minutes to repeat this"
                                + " request; or repeat it with even_if_alive true and a reason of at least 10 characters.",
                        HolderView.of(needed.holder()));
            default -> throw RunProblems.refused(outcome, name.value());
        };
    }

    private static void done(AdminOutcome outcome, String environment) {
        if (!(outcome instanceof AdminOutcome.Done)) {
            throw RunProblems.refused(outcome, environment);
        }
    }

    private void requireKnown(EnvironmentName name) {
        if (environments.find(name).isEmpty()) {
            throw knownEnvironments.unknown(List.of(name));
        }
    }
}
