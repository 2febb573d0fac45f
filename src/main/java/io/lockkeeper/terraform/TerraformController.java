package io.lockkeeper.terraform;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.Page;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.OtherMethods;
import io.lockkeeper.web.RunProblems;
import io.lockkeeper.web.ValidEnvironment;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.InputStreamResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.http.server.ServletServerHttpRequest;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Terraform's HTTP backend, and what people do with the versions of a state. */
@RestController
@RequestMapping("/api/terraform/{environment}")
class TerraformController {
    private final TerraformLocks locks;
    private final TerraformStates states;

    TerraformController(TerraformLocks locks, TerraformStates states) {
        this.locks = locks;
        this.states = states;
    }

    /** Spring MVC has no name for LOCK and UNLOCK. A mapping that names no method gets what the others do not take. */
    @RequestMapping
    @OtherMethods({"LOCK", "UNLOCK"})
    ResponseEntity<String> lockOrUnlock(
            HttpMethod method,
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestParam(defaultValue = "true") boolean queue,
            @RequestBody(required = false) byte @Nullable [] body)
            throws HttpRequestMethodNotSupportedException {
        EnvironmentName name = new EnvironmentName(environment);
        byte[] said = body == null ? new byte[0] : body;
        return switch (method.name()) {
            case "LOCK" -> lock(caller, name, said, queue);
            case "UNLOCK" -> unlock(caller, name, said);
            default ->
                throw new HttpRequestMethodNotSupportedException(
                        method.name(), List.of("DELETE", "GET", "LOCK", "POST", "UNLOCK"));
        };
    }

    private ResponseEntity<String> lock(Caller caller, EnvironmentName environment, byte[] body, boolean queues) {
        states.requireKey();
        return switch (locks.lock(caller, environment, LockInfo.parse(body), queues)) {
            case TerraformLocks.Answer.Locked locked ->
                json(HttpStatus.OK, locked.info().json());
            case TerraformLocks.Answer.Taken taken ->
                json(HttpStatus.LOCKED, taken.info().json());
        };
    }

    private ResponseEntity<String> unlock(Caller caller, EnvironmentName environment, byte[] body) {
        if (body.length > 0) {
            locks.unlock(caller, environment, LockInfo.parse(body).id());
        } else if (caller.may(Role.ADMIN, environment.value())) {
            locks.forceUnlock(caller, environment);
        } else {
            throw RunProblems.forbidden(caller, Role.ADMIN, environment.value());
        }
        return json(HttpStatus.OK, "{}");
    }

    @GetMapping
    ResponseEntity<Resource> state(@PathVariable @ValidEnvironment String environment) {
        return states.newest(new EnvironmentName(environment))
                .map(TerraformController::state)
                .orElseGet(() -> ResponseEntity.noContent()
                        .cacheControl(CacheControl.noStore())
                        .build());
    }

    private static ResponseEntity<Resource> state(TerraformStates.State state) {
        return ResponseEntity.ok()
                .cacheControl(CacheControl.noStore())
                .contentType(MediaType.APPLICATION_JSON)
                .contentLength(state.sizeBytes())
                .eTag("\"" + state.version() + "\"")
                .header("Content-MD5", Base64.getEncoder().encodeToString(state.md5()))
                .body(new InputStreamResource(state.open()));
    }

    @PostMapping
    ResponseEntity<StateVersion> write(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestParam(name = "ID", required = false) @Nullable String lockId,
            @RequestHeader(name = "Content-MD5", required = false) @Nullable String contentMd5,
            HttpServletRequest request)
            throws InterruptedException {
        try {
            return ok(states.write(
                    caller, new EnvironmentName(environment), lockId, contentMd5, request.getInputStream()));
        } catch (IOException e) {
            throw new HttpMessageNotReadableException(
                    "The state did not arrive", e, new ServletServerHttpRequest(request));
        }
    }

    @DeleteMapping
    ResponseEntity<String> delete(Caller caller, @PathVariable @ValidEnvironment String environment) {
        states.delete(caller, new EnvironmentName(environment));
        return json(HttpStatus.OK, "{}");
    }

    @GetMapping("/versions")
    ResponseEntity<Page<StateVersion>> versions(
            @PathVariable @ValidEnvironment String environment,
            @RequestParam(required = false) @Range(min = 1, message = "must be the number of a version") @Nullable
                    Long before,
            @RequestParam(defaultValue = "50") @Range(min = 1, max = 200, message = "must be between 1 and 200")
                    int limit) {
        return ok(states.versions(new EnvironmentName(environment), before, limit));
    }

    @GetMapping("/versions/{version}")
    ResponseEntity<Resource> version(
            @PathVariable @ValidEnvironment String environment,
            @PathVariable @Range(min = 1, message = "must be the number of a version") long version) {
        return state(states.version(new EnvironmentName(environment), version));
    }

    @PostMapping("/versions/{version}/restore")
    ResponseEntity<StateVersion> restore(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @PathVariable @Range(min = 1, message = "must be the number of a version") long version)
            throws IOException, InterruptedException {
        return ok(states.restore(caller, new EnvironmentName(environment), version));
    }

    private static ResponseEntity<String> json(HttpStatus status, String body) {
        return ResponseEntity.status(status)
                .cacheControl(CacheControl.noStore())
                .contentType(MediaType.APPLICATION_JSON)
                .body(body);
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
