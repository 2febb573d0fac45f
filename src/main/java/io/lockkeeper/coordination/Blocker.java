package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Why a run is not granted yet. */
public sealed interface Blocker {

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

        static Holder of(LockGroup group, Run run) {
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
}
