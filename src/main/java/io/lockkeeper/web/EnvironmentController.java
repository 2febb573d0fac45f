package io.lockkeeper.web;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.FencingToken;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.PolicyDeclaration;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import jakarta.validation.Valid;
import java.time.Instant;
import java.util.List;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What admins do to environments. */
@RestController
@RequestMapping(produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class EnvironmentController {
    private final Administration administration;
    private final EnvironmentReader environments;
    private final KnownEnvironments knownEnvironments;
    private final EnvironmentActions actions;

    EnvironmentController(
            Administration administration,
            EnvironmentReader environments,
            KnownEnvironments knownEnvironments,
            EnvironmentActions actions) {
        this.administration = administration;
        this.environments = environments;
        this.knownEnvironments = knownEnvironments;
        this.actions = actions;
    }

    /** Everything there is. */
    record EnvironmentList(List<EnvironmentView> items) {}

    @GetMapping(path = "/api/admin/environments", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<EnvironmentList> list(Caller caller) {
        Instant now = environments.now();
        return ok(new EnvironmentList(environments.list().stream()
                .filter(environment -> caller.may(Role.VIEW, environment.name().value()))
                .map(environment -> EnvironmentView.of(environment, now))
                .toList()));
    }

    @GetMapping(path = "/api/admin/environments/{environment}", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<EnvironmentView> find(@PathVariable @ValidEnvironment String environment) {
        return ok(view(environment));
    }

    private EnvironmentView view(String name) {
        return environments
                .find(new EnvironmentName(name))
                .map(environment -> EnvironmentView.of(environment, environments.now()))
                .orElseThrow(() -> knownEnvironments.unknown(List.of(new EnvironmentName(name))));
    }

    @PutMapping(path = "/api/admin/environments/{environment}", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<EnvironmentView> declare(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestBody @Valid PolicyDeclaration declaration) {
        EnvironmentName name = new EnvironmentName(environment);
        if (environment.equals(declaration.promoteFrom())) {
            throw Problem.invalidField("promote_from", "promote_from must be another environment.")
                    .asException();
        }
        requireRightsOn(caller, name, declaration);
        done(
                administration.declare(
                        name,
                        declaration.lockGroup(name),
                        declaration.policy(),
                        DeclaredIn.API,
                        new Actor(caller.name(), null)),
                environment);
        return ok(view(environment));
    }

    @DeleteMapping(path = "/api/admin/environments/{environment}", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<EnvironmentView> reset(Caller caller, @PathVariable @ValidEnvironment String environment) {
        view(environment);
        done(
                administration.reset(new EnvironmentName(environment), DeclaredIn.API, new Actor(caller.name(), null)),
                environment);
        return ok(view(environment));
    }

    @PutMapping("/api/admin/environments/{environment}/freeze")
    ResponseEntity<Done> freeze(
            Caller caller, @PathVariable @ValidEnvironment String environment, @RequestBody @Valid FreezeBody body) {
        return ok(actions.freeze(caller, new EnvironmentName(environment), body.end(), body.reason()));
    }

    @DeleteMapping("/api/admin/environments/{environment}/freeze")
    ResponseEntity<Done> unfreeze(Caller caller, @PathVariable @ValidEnvironment String environment) {
        return ok(actions.unfreeze(caller, new EnvironmentName(environment)));
    }

    @PutMapping("/api/admin/freeze")
    ResponseEntity<Done> freezeAll(Caller caller, @RequestBody @Valid FreezeBody body) {
        return ok(actions.freezeAll(caller, body.end(), body.reason()));
    }

    @DeleteMapping("/api/admin/freeze")
    ResponseEntity<Done> unfreezeAll(Caller caller) {
        return ok(actions.unfreezeAll(caller));
    }

    @PostMapping("/api/admin/environments/{environment}/acknowledge")
    ResponseEntity<Done> acknowledge(
            Caller caller, @PathVariable @ValidEnvironment String environment, @RequestBody @Valid ReasonBody body) {
        return ok(actions.acknowledge(caller, new EnvironmentName(environment), body.reason()));
    }

    @PostMapping("/api/admin/environments/{environment}/force-release")
    ResponseEntity<Done> forceRelease(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestBody @Valid ForceReleaseBody body) {
        Done done = actions.forceRelease(
                caller,
                new EnvironmentName(environment),
                body.confirm(),
                new FencingToken(body.fencingToken()),
                Boolean.TRUE.equals(body.evenIfAlive()),
                body.reason());
        return done.holder() == null
                ? ok(done)
                : ResponseEntity.status(HttpStatus.ACCEPTED)
                        .cacheControl(CacheControl.noStore())
                        .body(done);
    }

    /** Who shares a lock can hold it, and whoever promotes from an environment learns what is deployed there. */
    private void requireRightsOn(Caller caller, EnvironmentName name, PolicyDeclaration declaration) {
        LockGroup group = declaration.lockGroup(name);
        if (!group.name().equals(name.value())) {
            boolean isAdminOfGroup = caller.may(Role.ADMIN, group.name())
                    && environments.list().stream()
                            .filter(other -> other.lockGroup().equals(group))
                            .allMatch(
                                    other -> caller.may(Role.ADMIN, other.name().value()));
            if (!isAdminOfGroup) {
                throw Problem.of(
                                ProblemType.FORBIDDEN,
                                "Sharing the lock group " + group
                                        + " takes a token with the role admin for a pattern that matches its name, and for all environments in it.")
                        .with("field", "lock_group")
                        .asException();
            }
        }
        if (declaration.promoteFrom() != null) {
            Requests.require(caller, Role.VIEW, declaration.promoteFrom());
        }
    }

    private static void done(AdminOutcome outcome, String environment) {
        if (!(outcome instanceof AdminOutcome.Done)) {
            throw RunProblems.refused(outcome, environment);
        }
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
