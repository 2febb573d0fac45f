package io.lockkeeper.web;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import jakarta.validation.Valid;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What people decide about a run that waits. */
@RestController
@RequestMapping(produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class DecisionController {
    private final Administration administration;
    private final RunReader runs;

    DecisionController(Administration administration, RunReader runs) {
        this.administration = administration;
        this.runs = runs;
    }

    @PostMapping("/api/admin/runs/{id}/approve")
    ResponseEntity<RunAnswer> approve(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody(required = false) @Valid @Nullable ApproveBody body) {
        RunId run = visible(caller, id);
        ApproveBody approval = body == null ? ApproveBody.EMPTY : body;
        return answer(
                run,
                administration.approve(run, caller.role() == Role.ADMIN, new Actor(caller.name(), approval.comment())));
    }

    @PostMapping("/api/admin/runs/{id}/reject")
    ResponseEntity<RunAnswer> reject(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody @Valid ReasonBody body) {
        RunId run = visible(caller, id);
        return answer(
                run, administration.reject(run, caller.role() == Role.ADMIN, new Actor(caller.name(), body.reason())));
    }

    @PostMapping("/api/admin/runs/{id}/prioritize")
    ResponseEntity<RunAnswer> prioritize(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody @Valid PrioritizeBody body) {
        RunId run = new RunId(id);
        require(caller, Role.ADMIN, run);
        return answer(
                run,
                administration.prioritize(
                        run, Boolean.TRUE.equals(body.passFreeze()), new Actor(caller.name(), body.reason())));
    }

    private RunId visible(Caller caller, long id) {
        RunId run = new RunId(id);
        require(caller, Role.VIEW, run);
        return run;
    }

    private void require(Caller caller, Role role, RunId run) {
        find(run).run().environments().forEach(environment -> Requests.require(caller, role, environment.value()));
    }

    private RunReport find(RunId run) {
        return runs.find(run).orElseThrow(() -> RunProblems.unknown(run));
    }

    private ResponseEntity<RunAnswer> answer(RunId run, AdminOutcome outcome) {
        return switch (outcome) {
            case AdminOutcome.Approved _, AdminOutcome.Prioritized _, AdminOutcome.Ended _ ->
                ResponseEntity.ok()
                        .cacheControl(CacheControl.noStore())
                        .body(RunAnswer.of(runs.withStanding(find(run)), null, false));
            default -> throw RunProblems.refused(outcome, "");
        };
    }
}
