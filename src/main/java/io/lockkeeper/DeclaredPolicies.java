package io.lockkeeper;

import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.environment.DeclaredEnvironments;
import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.PolicyDeclaration;
import io.lockkeeper.notify.LockWaiting;
import jakarta.annotation.PostConstruct;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/**
 * Writes what the configuration declares into the database, where all replicas and the API see it, before the first request is taken. The
 * replica that starts last says what holds.
 */
@Component
class DeclaredPolicies {
    private static final Logger LOG = LoggerFactory.getLogger(DeclaredPolicies.class);
    private static final Actor CONFIGURATION = new Actor("configuration", "declared in the service's configuration");
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final DeclaredEnvironments declared;
    private final Administration administration;
    private final EnvironmentReader environments;
    private final LockWaiting locks;
    private final Set<EnvironmentName> held = new LinkedHashSet<>();

    DeclaredPolicies(
            DeclaredEnvironments declared,
            Administration administration,
            EnvironmentReader environments,
            LockWaiting locks) {
        this.declared = declared;
        this.administration = administration;
        this.environments = environments;
        this.locks = locks;
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

    /** Whether it is in force now. While the lock is held its group cannot be changed, and then nothing of the policy is. */
    private boolean apply(EnvironmentName name) {
        PolicyDeclaration declaration = declared.declarations().get(name);
        AdminOutcome outcome = declaration == null
                ? administration.reset(name, DeclaredIn.CONFIGURATION, CONFIGURATION)
                : administration.declare(
                        name,
                        declaration.lockGroup(name),
                        declaration.policy(),
                        DeclaredIn.CONFIGURATION,
                        CONFIGURATION);
        if (outcome instanceof AdminOutcome.GroupIsHeld holder) {
            if (held.add(name)) {
                LockGroup group = declaration == null ? new LockGroup(name.value()) : declaration.lockGroup(name);
                LOG.warn(
                        "The policy of {} is not in force yet: run {} holds its lock, and its lock group cannot become {} meanwhile."
                                + " It will be in force when the lock is free.",
                        name,
                        holder.holder().run(),
                        group);
            }
            return false;
        }
        if (held.remove(name)) {
            LOG.info("The policy of {} is in force now.", name);
        }
        return true;
    }

    @EventListener
    void waitForHeldOnes(ApplicationReadyEvent ready) {
        for (EnvironmentName name : Set.copyOf(held)) {
            Thread.ofVirtual().name("lockkeeper-policy-of-" + name).start(() -> waitFor(name));
        }
    }

    private void waitFor(EnvironmentName name) {
        try {
            boolean applied = false;
            while (!applied) {
                locks.await(name, PATIENCE);
                applied = apply(name);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DataAccessException e) {
            LOG.warn(
                    "The policy of {} could not be put in force; start this replica again to try again: {}",
                    name,
                    e.getMessage());
        }
    }
}
