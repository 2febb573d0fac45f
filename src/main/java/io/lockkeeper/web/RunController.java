package io.lockkeeper.web;

import io.lockkeeper.coordination.AcquireOutcome;
import io.lockkeeper.coordination.AcquireRequest;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.LockProof;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.notify.Patience;
import io.lockkeeper.notify.RunWaiting;
import io.lockkeeper.notify.RunWaiting.Until;
import io.lockkeeper.notify.WaitOutcome;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import jakarta.validation.Valid;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * The calls that a pipeline makes. What each can produce is declared, so that a caller who accepts neither is refused before anything
 * happens, and not with a lock it does not know of.
 */
@RestController
@RequestMapping(produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class RunController {
    private final Coordinator coordinator;
    private final RunDecisions decisions;
    private final RunWaiting waiting;
    private final Requests requests;
    private final KnownEnvironments knownEnvironments;

    RunController(
            Coordinator coordinator,
            RunDecisions decisions,
            RunWaiting waiting,
            Requests requests,
            KnownEnvironments knownEnvironments) {
        this.decisions = decisions;
        this.knownEnvironments = knownEnvironments;
        this.coordinator = coordinator;
        this.waiting = waiting;
        this.requests = requests;
    }

    @PostMapping("/api/environments/{environment}/acquire")
    ResponseEntity<RunAnswer> acquire(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestHeader(name = IdempotencyKey.HEADER, required = false) @IdempotencyKey @Nullable String key,
            @RequestBody(required = false) @Valid @Nullable AcquireBody body)
            throws InterruptedException {
        AcquireBody request = body == null ? AcquireBody.EMPTY : body;
        if (request.environments() != null) {
            throw Problem.invalidField(
                            "environments",
                            "environments is for POST /api/acquire; here the path names the environment. Leave it out.")
                    .asException();
        }
        return acquire(caller, List.of(environment), key, request);
    }

    @PostMapping("/api/acquire")
    ResponseEntity<RunAnswer> acquireSeveral(
            Caller caller,
            @RequestHeader(name = IdempotencyKey.HEADER, required = false) @IdempotencyKey @Nullable String key,
            @RequestBody(required = false) @Valid @Nullable AcquireBody body)
            throws InterruptedException {
        AcquireBody request = body == null ? AcquireBody.EMPTY : body;
        List<String> environments = request.environments();
        if (environments == null) {
            throw Problem.invalidField(
                            "environments",
                            "environments is required here: name 1 to 32, such as [\"web\", \"worker\"].")
                    .asException();
        }
        environments.forEach(environment -> Requests.require(caller, Role.DEPLOY, environment));
        return acquire(caller, environments, key, request);
    }

    private ResponseEntity<RunAnswer> acquire(
            Caller caller, List<String> environments, @Nullable String key, AcquireBody body)
            throws InterruptedException {
        AcquireRequest request = requests.acquire(caller, environments, key, body);
        Patience patience = patience(caller, Objects.requireNonNullElse(body.waitSeconds(), 0));
        return switch (coordinator.acquire(request)) {
            case AcquireOutcome.Granted granted ->
                answer(granted.report(), !granted.created().isEmpty());
            case AcquireOutcome.Queued queued ->
                answer(waitFor(queued.report(), patience), !queued.created().isEmpty());
            case AcquireOutcome.Skipped skipped -> answer(skipped.report(), false);
            case AcquireOutcome.Replayed replayed -> answer(waitFor(replayed.report(), patience), false);
            case AcquireOutcome.Held held -> throw RunProblems.held(environments, held.blockers());
            case AcquireOutcome.HeldBackNow heldBack -> throw RunProblems.heldBack(heldBack.blocker());
            case AcquireOutcome.ApprovalRequired approval -> throw RunProblems.approvalRequired(approval.required());
            case AcquireOutcome.PromotionRequired promotion -> throw RunProblems.promotionRequired(promotion);
            case AcquireOutcome.EnvironmentsUnknown unknown -> throw knownEnvironments.unknown(unknown.environments());
            case AcquireOutcome.KeyReused reused -> throw RunProblems.keyReused(reused.run());
        };
    }

    /** The run is in the queue whatever happens here: with no room to wait, its client is answered at once and asks again. */
    private RunReport waitFor(RunReport report, Patience patience) throws InterruptedException {
        if (patience.limit().isZero() || !report.run().status().isWaiting()) {
            return report;
        }
        LockProof proof = new LockProof(report.run().id(), report.run().seal().digest());
        return switch (waiting.await(report.run().id(), proof, patience, Until.DECIDED)) {
            case WaitOutcome.Answer answer -> answer.report();
            case WaitOutcome.TooManyWaiting _, WaitOutcome.Unknown _, WaitOutcome.ProofInvalid _ -> report;
        };
    }

    private ResponseEntity<RunAnswer> answer(RunReport report, boolean created) {
        Run run = report.run();
        String token = run.status().hasEnded() ? null : requests.lockToken(run);
        RunAnswer answer = RunAnswer.of(report, token, created);
        if (run.status().isWaiting()) {
            return ResponseEntity.accepted()
                    .location(URI.create("/api/runs/" + run.id()))
                    .header(HttpHeaders.RETRY_AFTER, "1")
                    .cacheControl(CacheControl.noStore())
                    .body(answer);
        }
        return ok(answer);
    }

    @GetMapping("/api/runs/{id}")
    ResponseEntity<RunAnswer> run(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestParam(name = "wait_seconds", defaultValue = "0")
                    @Range(min = 0, max = 60, message = "must be between 0 and 60 seconds")
                    int waitSeconds,
            @RequestParam(required = false) @Nullable String until,
            @RequestHeader(name = Requests.LOCK_TOKEN, required = false) @Nullable String lockToken)
            throws InterruptedException {
        RunId run = new RunId(id);
        LockProof proof = lockToken == null ? null : Requests.proof(lockToken, run);
        WaitOutcome outcome = waiting.await(
                run,
                proof,
                patience(caller, waitSeconds),
                until(until),
                looked -> looked.environments().stream()
                        .allMatch(environment -> caller.may(Role.VIEW, environment.value())));
        return switch (outcome) {
            case WaitOutcome.Answer answer -> {
                answer.report()
                        .run()
                        .environments()
                        .forEach(environment -> Requests.require(caller, Role.VIEW, environment.value()));
                yield ok(RunAnswer.of(answer.report(), null, false));
            }
            case WaitOutcome.Unknown _ -> throw RunProblems.unknown(run);
            case WaitOutcome.ProofInvalid _ -> throw RunProblems.proofInvalid(run);
            case WaitOutcome.TooManyWaiting full -> throw RunProblems.tooManyWaiting(full.bound());
        };
    }

    private static Patience patience(Caller caller, int waitSeconds) {
        return new Patience(caller.name(), Duration.ofSeconds(waitSeconds));
    }

    private static Until until(@Nullable String text) {
        if (text == null) {
            return Until.DECIDED;
        }
        if (text.equals("ended")) {
            return Until.ENDED;
        }
        throw Problem.invalidField("until", "until must be ended, or be left out to wait for the decision.")
                .asException();
    }

    @PostMapping("/api/runs/{id}/heartbeat")
    ResponseEntity<HeartbeatAnswer> heartbeat(
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestHeader(name = Requests.LOCK_TOKEN, required = false) @Nullable String lockToken) {
        RunId run = new RunId(id);
        return switch (coordinator.heartbeat(Requests.proof(lockToken, run))) {
            case RunOutcome.Renewed renewed -> ok(HeartbeatAnswer.of(renewed.run()));
            case RunOutcome other -> throw RunProblems.refused(other);
        };
    }

    @PostMapping("/api/runs/{id}/release")
    ResponseEntity<RunAnswer> release(
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestHeader(name = Requests.LOCK_TOKEN, required = false) @Nullable String lockToken,
            @RequestBody(required = false) @Valid @Nullable ReleaseBody body) {
        return release(Requests.proof(lockToken, new RunId(id)), body);
    }

    /** The same for a client that knows the environment but not the run: the lock token names it. It releases the whole run. */
    @PostMapping("/api/environments/{environment}/release")
    ResponseEntity<RunAnswer> releaseEnvironment(
            @PathVariable @ValidEnvironment String environment,
            @RequestHeader(name = Requests.LOCK_TOKEN, required = false) @Nullable String lockToken,
            @RequestBody(required = false) @Valid @Nullable ReleaseBody body)
            throws InterruptedException {
        LockProof proof = Requests.proof(lockToken);
        switch (waiting.await(proof.run(), null, Patience.NONE, Until.DECIDED)) {
            case WaitOutcome.Answer answer
            when RunView.names(answer.report().run().environments()).contains(environment) -> {}
            default -> throw RunProblems.proofInvalid(proof.run());
        }
        return release(proof, body);
    }

    private ResponseEntity<RunAnswer> release(LockProof proof, @Nullable ReleaseBody body) {
        Report report = Requests.report(body == null ? ReleaseBody.EMPTY : body);
        return switch (coordinator.release(proof, report)) {
            case RunOutcome.Ended ended -> ok(RunAnswer.Ended.of(ended.run()));
            case RunOutcome other -> throw RunProblems.refused(other);
        };
    }

    @PostMapping("/api/runs/{id}/cancel")
    ResponseEntity<RunAnswer> cancel(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @RequestHeader(name = Requests.LOCK_TOKEN, required = false) @Nullable String lockToken,
            @RequestBody(required = false) @Valid @Nullable CancelBody body)
            throws InterruptedException {
        RunId run = new RunId(id);
        String reason = body == null ? null : body.reason();
        RunOutcome outcome = lockToken == null && caller.role() == Role.ADMIN
                ? decisions.cancel(caller, run, reason)
                : coordinator.cancel(
                        Requests.proof(lockToken, run),
                        "cancelled by its client" + (reason == null ? "" : ": " + reason));
        return switch (outcome) {
            case RunOutcome.Ended ended
            when ended.run().status() != RunStatus.SKIPPED -> ok(RunAnswer.Ended.of(ended.run()));
            case RunOutcome.Ended ended -> ok(RunAnswer.Skipped.of(ended.run()));
            case RunOutcome.CancelRequested asked -> ok(current(asked.run().id()));
            case RunOutcome other -> throw RunProblems.refused(other);
        };
    }

    private RunAnswer current(RunId run) throws InterruptedException {
        return switch (waiting.await(run, null, Patience.NONE, Until.DECIDED)) {
            case WaitOutcome.Answer answer -> RunAnswer.of(answer.report(), null, false);
            case WaitOutcome.Unknown _, WaitOutcome.ProofInvalid _, WaitOutcome.TooManyWaiting _ ->
                throw RunProblems.unknown(run);
        };
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.status(HttpStatus.OK)
                .cacheControl(CacheControl.noStore())
                .body(answer);
    }
}
