package io.lockkeeper;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.environment.DeclaredEnvironments;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.PolicyDeclaration;
import io.lockkeeper.notify.Routine;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Writes what the configuration declares into the database, where all replicas and the API see it, before the first request is taken. The
 * replica that starts last says what holds.
 */
@Component
class DeclaredPolicies {
    private static final Logger LOG = LoggerFactory.getLogger(DeclaredPolicies.class);
    private static final Actor CONFIGURATION = new Actor("configuration", "declared in the service's configuration");
    private static final Actor NO_LONGER =
            new Actor("configuration", "no longer declared in the service's configuration");
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final DeclaredEnvironments declared;
    private final Administration administration;
    private final EnvironmentReader environments;
    private final Routine mover;

    DeclaredPolicies(DeclaredEnvironments declared, Administration administration, EnvironmentReader environments) {
        this.declared = declared;
        this.administration = administration;
        this.environments = environments;
        this.mover =
                new Routine("mover of environments", PAUSE, () -> administration.moveToDeclaredGroups(CONFIGURATION));
    }

    @PostConstruct
    void apply() {
        for (Environment environment : environments.list()) {
            if (environment.declaredIn() == DeclaredIn.CONFIGURATION
                    && !declared.declarations().containsKey(environment.name())) {
                apply(environment.name());
            }
        }
        declared.declarations().keySet().forEach(this::apply);
    }

    private void apply(EnvironmentName name) {
        PolicyDeclaration declaration = declared.declarations().get(name);
        if (declaration == null) {
            LOG.warn(
                    "The configuration no longer declares {}: it has the defaults now, without approvals, freeze windows or a shared lock."
                            + " Declare it through the API if it is to have a policy.",
                    name);
        }
        AdminOutcome outcome = declaration == null
                ? administration.reset(name, DeclaredIn.CONFIGURATION, NO_LONGER)
                : administration.declare(
                        name,
                        declaration.lockGroup(name),
                        declaration.policy(),
                        DeclaredIn.CONFIGURATION,
                        CONFIGURATION);
        if (outcome instanceof AdminOutcome.GroupIsHeld held) {
            LOG.warn(
                    "Run {} holds the lock of {}. When it has ended, the lock group becomes {}; until then nothing more is granted there.",
                    held.holder().run(),
                    name,
                    declaration == null ? name : declaration.lockGroup(name));
        }
    }

    /** Any replica moves what a replica has declared: that one may be gone when the holder ends. */
    @EventListener
    void moveWhatIsToMove(ApplicationReadyEvent ready) {
        mover.start();
    }

    @PreDestroy
    void stop() {
        mover.close();
    }
}
