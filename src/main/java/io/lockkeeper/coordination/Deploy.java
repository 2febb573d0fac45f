package io.lockkeeper.coordination;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a run is to deploy.
 *
 * @param sha its own, or that of the newest run among itself and those it covers; null when nobody named one
 * @param includes the skipped runs that it covers, oldest first
 */
public record Deploy(@Nullable String sha, List<BatchedRun> includes) {

    /** Newest means the highest id. A run may cover older ones, handed over from a cover that failed: it does not go back for them. */
    static Deploy of(Run run, List<BatchedRun> batched) {
        List<BatchedRun> includes = batched.stream().filter(BatchedRun::covered).toList();
        String own = run.details().sha();
        String sha = own;
        for (BatchedRun included : includes) {
            if (included.sha() != null && (own == null || included.id().compareTo(run.id()) > 0)) {
                sha = included.sha();
            }
        }
        return new Deploy(sha, includes);
    }

    /**
     * The covered runs that are shipped once {@code deployedSha} is deployed: those up to the newest that named it. A sha that nobody named
     * ships none, since nothing tells what it contains.
     *
     * @param deployedSha null when the client deployed what it was told
     */
    static List<RunId> shipped(Run run, List<BatchedRun> batched, @Nullable String deployedSha) {
        if (run.coverage() == Coverage.PINNED) {
            return List.of();
        }
        if (deployedSha == null || Objects.equals(deployedSha, of(run, batched).sha())) {
            return batched.stream().map(BatchedRun::id).toList();
        }
        RunId newest = Objects.equals(deployedSha, run.details().sha()) ? run.id() : null;
        for (BatchedRun candidate : batched) {
            if (Objects.equals(deployedSha, candidate.sha())) {
                newest = candidate.id();
            }
        }
        RunId limit = newest;
        return limit == null
                ? List.of()
                : batched.stream()
                        .map(BatchedRun::id)
                        .filter(id -> id.compareTo(limit) <= 0)
                        .toList();
    }
}
