package io.lockkeeper.web;

import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.security.Caller;
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
    private final RunDecisions decisions;
    private final RunReader runs;

    DecisionController(RunDecisions decisions, RunReader runs) {
        this.decisions = decisions;
        this.runs = runs;
    }

    @PostMapping("/api/admin/runs/{id}/approve")
    ResponseEntity<RunAnswer> approve(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody(required = false) @Valid @Nullable ApproveBody body) {
        RunId run = new RunId(id);
        decisions.approve(caller, run, body == null ? null : body.comment());
        return answer(run);
    }

    @PostMapping("/api/admin/runs/{id}/reject")
    ResponseEntity<RunAnswer> reject(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody @Valid ReasonBody body) {
        RunId run = new RunId(id);
        decisions.reject(caller, run, body.reason());
        return answer(run);
    }

    @PostMapping("/api/admin/runs/{id}/prioritize")
    ResponseEntity<RunAnswer> prioritize(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestBody @Valid PrioritizeBody body) {
        RunId run = new RunId(id);
        decisions.prioritize(caller, run, Boolean.TRUE.equals(body.passFreeze()), body.reason());
        return answer(run);
    }

    private ResponseEntity<RunAnswer> answer(RunId run) {
        RunReport report = runs.find(run).orElseThrow(() -> RunProblems.unknown(run));
        return ResponseEntity.ok()
                .cacheControl(CacheControl.noStore())
                .body(RunAnswer.of(runs.withStanding(report), null, false));
    }
}
