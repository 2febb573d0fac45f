package io.lockkeeper.history;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which runs of the history are wanted; null is all of them.
 *
 * @param statuses empty for all of them
 * @param repository searched for among the newest {@link RunHistory#SEARCHED} runs that the other filters leave
 * @param user as {@code repository}
 */
public record RunFilter(
        @Nullable EnvironmentName environment,
        Set<RunStatus> statuses,
        @Nullable String repository,
        @Nullable String user) {
    public static final RunFilter ALL = new RunFilter(null, Set.of(), null, null);

    public RunFilter {
        statuses = Set.copyOf(statuses);
    }

    boolean searches() {
        return repository != null || user != null;
    }
}
