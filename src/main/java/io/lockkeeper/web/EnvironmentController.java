package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.FencingToken;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.PolicyDeclaration;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.RunAnswer.FreezeView;
import io.lockkeeper.web.RunAnswer.HolderView;
import jakarta.validation.Valid;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
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

    EnvironmentController(
            Administration administration, EnvironmentReader environments, KnownEnvironments knownEnvironments) {
        this.administration = administration;
        this.environments = environments;
        this.knownEnvironments = knownEnvironments;
    }

    /** Everything there is. */
    record EnvironmentList(List<EnvironmentView> items) {}

    /**
     * An action is done.
     *
     * @param outcome one word for programs
     * @param message a sentence for people
     */
    record Done(
            String outcome,
            String message,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            HolderView holder) implements PlainAnswer {

        Done(String outcome, String message) {
            this(outcome, message, null);
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            plain.put("outcome", outcome);
            plain.put("message", message);
            return plain;
        }
    }

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
        requireKnown(environment);
        done(
                administration.reset(new EnvironmentName(environment), DeclaredIn.API, new Actor(caller.name(), null)),
                environment);
        return ok(view(environment));
    }

    @PutMapping("/api/admin/environments/{environment}/freeze")
    ResponseEntity<Done> freeze(
            Caller caller, @PathVariable @ValidEnvironment String environment, @RequestBody @Valid FreezeBody body) {
        // A freeze of a name that nobody has deployed to is a slip, and would let go on what was meant.
        requireKnown(environment);
        done(
                administration.freeze(
                        new EnvironmentName(environment), body.end(), new Actor(caller.name(), body.reason())),
                environment);
        return ok(new Done(
                "frozen",
                "Nothing is granted in " + environment + " now"
                        + until(view(environment))
                        + ". What runs may finish; what waits keeps its place."
                        + siblings(caller, new EnvironmentName(environment))));
    }

    private static String until(EnvironmentView view) {
        return view.freeze() == null || view.freeze().until() == null
                ? ""
                : ", until " + view.freeze().until().truncatedTo(ChronoUnit.SECONDS);
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

    @DeleteMapping("/api/admin/environments/{environment}/freeze")
    ResponseEntity<Done> unfreeze(Caller caller, @PathVariable @ValidEnvironment String environment) {
        requireKnown(environment);
        AdminOutcome outcome =
                administration.unfreeze(new EnvironmentName(environment), new Actor(caller.name(), null));
        String remaining = environments
                .find(new EnvironmentName(environment))
                .flatMap(known -> known.freezeAt(environments.now()).map(freeze -> FreezeView.of(known.name(), freeze)))
                .map(freeze -> ", but nothing is granted yet because of " + Sentences.frozen(freeze) + ".")
                .orElse("");
        return ok(new Done(
                "unfrozen",
                outcome instanceof AdminOutcome.NotFrozen
                        ? environment + " itself was not frozen" + (remaining.isEmpty() ? "." : remaining)
                        : "The freeze of " + environment + " is lifted"
                                + (remaining.isEmpty() ? ", and its queue goes on." : remaining)));
    }

    @PutMapping("/api/admin/freeze")
    ResponseEntity<Done> freezeAll(Caller caller, @RequestBody @Valid FreezeBody body) {
        done(administration.freezeAll(body.end(), new Actor(caller.name(), body.reason())), "all environments");
        return ok(new Done(
                "frozen", "Nothing is granted anywhere now. What runs may finish; what waits keeps its place."));
    }

    @DeleteMapping("/api/admin/freeze")
    ResponseEntity<Done> unfreezeAll(Caller caller) {
        return ok(
                administration.unfreezeAll(new Actor(caller.name(), null)) instanceof AdminOutcome.NotFrozen
                        ? new Done("unfrozen", "There was no freeze of all environments.")
                        : new Done("unfrozen", "The freeze of all environments is lifted, and the queues go on."));
    }

    @PostMapping("/api/admin/environments/{environment}/acknowledge")
    ResponseEntity<Done> acknowledge(
            Caller caller, @PathVariable @ValidEnvironment String environment, @RequestBody @Valid ReasonBody body) {
        requireKnown(environment);
        AdminOutcome outcome =
                administration.acknowledge(new EnvironmentName(environment), new Actor(caller.name(), body.reason()));
        return ok(
                outcome instanceof AdminOutcome.NotQuarantined
                        ? new Done("acknowledged", environment + " was not in quarantine.")
                        : new Done(
                                "acknowledged",
                                "The quarantine of " + environment + " is over, and its queue goes on."));
    }

    @PostMapping("/api/admin/environments/{environment}/force-release")
    ResponseEntity<Done> forceRelease(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestBody @Valid ForceReleaseBody body) {
        requireKnown(environment);
        if (!environment.equals(body.confirm())) {
            throw Problem.of(
                            ProblemType.CONFIRM_MISMATCH,
                            "confirm must be the name of the environment, " + environment + ". Nothing was released.")
                    .with("field", "confirm")
                    .asException();
        }
        AdminOutcome outcome = administration.forceRelease(
                new EnvironmentName(environment),
                new FencingToken(body.fencingToken()),
                Boolean.TRUE.equals(body.evenIfAlive()),
                place -> caller.may(Role.ADMIN, place.value()),
                new Actor(caller.name(), body.reason()));
        return switch (outcome) {
            case AdminOutcome.Ended ended ->
                ok(new Done(
                        "preempted",
                        "Run " + ended.run().id()
                                + " has lost the lock. Its client stops at its next heartbeat; make sure that it has"
                                + " before you deploy."));
            case AdminOutcome.SecondAdminNeeded needed ->
                ResponseEntity.status(HttpStatus.ACCEPTED)
                        .cacheControl(CacheControl.noStore())
                        .body(new Done(
                                "confirmation-needed",
                                environment
                                        + " is protected: nothing is released yet. Another admin has 15 minutes to repeat this"
                                        + " request; or repeat it with even_if_alive true and a reason of at least 10 characters.",
                                HolderView.of(needed.holder())));
            default -> throw RunProblems.refused(outcome, environment);
        };
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

    private void requireKnown(String environment) {
        EnvironmentName name = new EnvironmentName(environment);
        if (environments.find(name).isEmpty()) {
            throw knownEnvironments.unknown(List.of(name));
        }
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
