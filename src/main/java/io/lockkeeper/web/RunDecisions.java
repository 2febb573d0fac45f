package io.lockkeeper.web;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * What people decide about a run, for the API and for the page alike. Each answers with what became of the run, or throws the problem that says
 * why nothing did. Whether the caller may decide about all of the run's environments is checked here, since it takes the run.
 */
@Component
public final class RunDecisions {
    private final Administration administration;
    private final Coordinator coordinator;
    private final RunReader runs;

    RunDecisions(Administration administration, Coordinator coordinator, RunReader runs) {
        this.administration = administration;
        this.coordinator = coordinator;
        this.runs = runs;
    }

    /** Answers Approved. */
    public AdminOutcome approve(Caller caller, RunId run, @Nullable String comment) {
        require(caller, Role.VIEW, run);
        return done(administration.approve(run, caller.role() == Role.ADMIN, new Actor(caller.name(), comment)));
    }

    /** Answers Ended. */
    public AdminOutcome reject(Caller caller, RunId run, @Nullable String reason) {
        require(caller, Role.VIEW, run);
        return done(administration.reject(run, caller.role() == Role.ADMIN, new Actor(caller.name(), reason)));
    }

    /** Answers Prioritized. */
    public AdminOutcome prioritize(Caller caller, RunId run, boolean passesFreeze, @Nullable String reason) {
        require(caller, Role.ADMIN, run);
        return done(administration.prioritize(run, passesFreeze, new Actor(caller.name(), reason)));
    }

    /** Takes a waiting run out of the queue, or asks a running one to stop. Answers Ended or CancelRequested. */
    public RunOutcome cancel(Caller caller, RunId run, @Nullable String reason) {
        require(caller, Role.ADMIN, run);
        RunOutcome outcome = coordinator.cancel(
                run,
                "cancelled by " + caller.name() + (reason == null ? "" : ": " + reason),
                new Actor(caller.name(), reason));
        return switch (outcome) {
            case RunOutcome.Ended ended -> ended;
            case RunOutcome.CancelRequested asked -> asked;
            default -> throw RunProblems.refused(outcome);
        };
    }

    /** Refuses whoever may not see all of these environments. */
    public static void requireView(Caller caller, List<String> environments) {
        environments.forEach(environment -> Requests.require(caller, Role.VIEW, environment));
    }

    private void require(Caller caller, Role role, RunId run) {
        runs.find(run)
                .orElseThrow(() -> RunProblems.unknown(run))
                .run()
                .environments()
                .forEach(environment -> Requests.require(caller, role, environment.value()));
    }

    private static AdminOutcome done(AdminOutcome outcome) {
        return switch (outcome) {
            case AdminOutcome.Approved _, AdminOutcome.Prioritized _, AdminOutcome.Ended _ -> outcome;
            default -> throw RunProblems.refused(outcome, "");
        };
    }
}
