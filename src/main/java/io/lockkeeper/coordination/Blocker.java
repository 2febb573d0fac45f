package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Quarantine;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Why a run is not granted yet. */
public sealed interface Blocker {

    static Blocker of(HeldBack heldBack) {
        return switch (heldBack) {
            case HeldBack.ByFreeze by -> new Frozen(by.environment(), by.freeze());
            case HeldBack.ByQuarantine by -> new Quarantined(by.environment(), by.quarantine());
        };
    }

    /** A run that holds one of the lock groups. */
    record Holder(
            LockGroup lockGroup,
            RunId run,
            List<EnvironmentName> environments,
            @Nullable String user,
            @Nullable String title,
            Instant since,
            @Nullable String runUrl)
            implements Blocker {

        /** A holder as it is told of; {@code run} must have been granted. */
        public static Holder of(LockGroup group, Run run) {
            return new Holder(
                    group,
                    run.id(),
                    run.environments(),
                    run.details().user(),
                    run.details().title(),
                    run.requireGrant().at(),
                    run.details().runUrl());
        }
    }

    /**
     * Queued runs ahead in one of the lock groups.
     *
     * @param ahead how many
     * @param runs the first of them, in order, at most {@link Standing#AHEAD_SHOWN}
     */
    record Queue(LockGroup lockGroup, int ahead, List<RunId> runs) implements Blocker {}

    /** Nothing is granted in one of the environments for now. */
    record Frozen(EnvironmentName environment, Freeze freeze) implements Blocker {}

    /** A deployment to one of the environments went wrong, and nobody has acknowledged it. */
    record Quarantined(EnvironmentName environment, Quarantine quarantine) implements Blocker {}

    /**
     * The run waits for people.
     *
     * @param required how many have to approve
     * @param given how many have
     */
    record Approval(int required, int given) implements Blocker {}
}
