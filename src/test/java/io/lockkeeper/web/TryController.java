package io.lockkeeper.web;

import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.validation.Valid;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.BadSqlGrammarException;
import org.springframework.jdbc.UncategorizedSQLException;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.AsyncRequestTimeoutException;

/** Stands in for the features: says back what it understood, or fails in the way it is asked to. */
@RestController
class TryController {

    record Echo(AcquireBody said, @Nullable String idempotencyKey, Instant at) implements PlainAnswer {

        @Override
        public SequencedMap<String, @Nullable Object> plain() {
            var plain = new LinkedHashMap<String, @Nullable Object>();
            plain.put("outcome", AcquireBody.Mode.FAIL_FAST);
            plain.put("title", said.title());
            plain.put("message", "first\nsecond=\u2028third\u0007 ü");
            plain.put("at", at);
            return plain;
        }
    }

    record OnlyJson(String name) {}

    @PostMapping("/api/try/{environment}/acquire")
    Echo acquire(
            @PathVariable("environment") @ValidEnvironment String environment,
            @RequestHeader(name = IdempotencyKey.HEADER, required = false) @IdempotencyKey @Nullable
                    String idempotencyKey,
            @RequestBody(required = false) @Valid @Nullable AcquireBody body) {
        return new Echo(
                body == null ? AcquireBody.EMPTY : body, idempotencyKey, Instant.parse("2026-02-13T10:30:45.987654Z"));
    }

    @PostMapping("/api/try/release")
    ReleaseBody release(@RequestBody(required = false) @Valid @Nullable ReleaseBody body) {
        return body == null ? ReleaseBody.EMPTY : body;
    }

    @GetMapping("/api/try/runs/{id}")
    OnlyJson run(
            @PathVariable("id") long id,
            @RequestParam(name = "wait_seconds", defaultValue = "0")
                    @Range(min = 0, max = 60, message = "must be between 0 and 60 seconds")
                    int waitSeconds) {
        return new OnlyJson(id + " after " + waitSeconds);
    }

    @GetMapping("/api/try/required")
    OnlyJson required(@RequestParam("name") String name, @RequestHeader("Lock-Token") String lockToken) {
        return new OnlyJson(name + lockToken);
    }

    record Who(String name, Role role) {}

    @GetMapping("/api/try/caller")
    Who caller(Caller caller) {
        if (!caller.may(Role.DEPLOY, "production")) {
            throw new AccessDeniedException("no");
        }
        return new Who(caller.name(), caller.role());
    }

    @GetMapping("/api/try/held")
    void held() {
        throw Problem.of(ProblemType.LOCK_HELD, "Try later.")
                .with("holder", new OnlyJson("alice"))
                .with("since", Instant.parse("2026-02-13T10:30:45.5Z"))
                .with("run_url", null)
                .asException();
    }

    @GetMapping("/api/try/send-error")
    void sendError(HttpServletResponse response, @RequestParam("status") int status) throws IOException {
        response.sendError(status, "secret of the container");
    }

    @GetMapping("/api/try/fail")
    void fail(@RequestParam("how") String how) throws Exception {
        var lost = new SQLException("This connection has been closed: secret", "08003");
        switch (how) {
            case "fault" -> throw new IllegalStateException("secret: SELECT 1");
            case "error" -> throw new StackOverflowError("secret");
            case "grammar" ->
                throw new BadSqlGrammarException("secret", "SELECT secret", new SQLException("secret", "42601"));
            case "lost" -> throw new UncategorizedSQLException("secret", "SELECT secret", lost);
            case "standby" ->
                throw new UncategorizedSQLException("secret", "UPDATE secret", new SQLException("read-only", "25006"));
            case "pool" ->
                throw new CannotCreateTransactionException("secret", new SQLTransientConnectionException("timed out"));
            case "timeout" -> throw new AsyncRequestTimeoutException();
            case "denied" -> throw new AccessDeniedException("secret");
            default -> throw new IllegalArgumentException(how);
        }
    }
}
