package io.lockkeeper.coordination;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run that joins the queue, and what becomes of the older runs of the same environments, repository and ref.
 *
 * @param run null for the run that this plan inserts
 */
record Newcomer(
        @Nullable Run run,
        List<EnvironmentName> environments,
        Sha256 batchKey,
        Coverage coverage,
        Priority priority,
        boolean passesFreeze) {

    static Newcomer of(AcquireRequest request) {
        return new Newcomer(
                null,
                request.environments(),
                request.batchKey(),
                request.coverage(),
                request.priority(),
                request.passesFreeze());
    }

    static Newcomer of(Run run) {
        return new Newcomer(
                run, run.environments(), run.batchKey(), run.coverage(), run.priority(), run.passesFreeze());
    }

    /**
     * The queued runs that it covers give way to it. Those of high priority only to one of high priority, and those that pass a freeze to
     * one that does, so that nobody loses a hotfix's place.
     */
    void supersede(Snapshot snapshot, Board board) {
        List<Run> older = new ArrayList<>();
        for (RunId id : snapshot.found().covering()) {
            Run covered = snapshot.run(id).orElseThrow();
            if (isNewerThan(covered) && board.isQueued(covered) && isAtLeastAsUrgentAs(covered)) {
                older.add(covered);
            }
        }
        older.forEach(covered -> board.supersede(covered, run));
        // Only now that all of them are gone: what they covered must not be handed to one of them.
        for (Run covered : older) {
            if (coverage == Coverage.PINNED) {
                board.handOver(covered);
            } else if (snapshot.covers().containsKey(covered.id())) {
                board.add(
                        run == null
                                ? new Change.HandOverToInserted(covered.id())
                                : new Change.HandOver(covered.id(), run.id()));
            }
        }
    }

    /** The newest run that took its place already, while it waited for an approval. */
    Optional<Run> supersededAlready(Snapshot snapshot, Board board) {
        return snapshot.runs().values().stream()
                .filter(other -> other.batchKey().equals(batchKey))
                .filter(other -> run != null && other.id().compareTo(run.id()) > 0)
                .filter(other ->
                        board.isQueued(other) || (other.status() == RunStatus.IN_PROGRESS && !board.hasEnded(other)))
                .filter(other -> other.priority().compareTo(priority) <= 0 && (other.passesFreeze() || !passesFreeze))
                .max(Comparator.comparing(Run::id));
    }

    /**
     * Asks the deployment that it covers to stop, where the policy says so. Not when it could not take that one's place: it is held back, or
     * less urgent. And not when the deployment before was stopped for the same reason: however fast runs come, every second deployment comes
     * to its end.
     */
    void askHolderToStop(Board board, List<Environment> policies) {
        boolean isWanted =
                policies.stream().anyMatch(environment -> environment.policy().cancelInProgress());
        boolean lastWasStopped = policies.stream().anyMatch(Environment::lastDeploymentStopped);
        if (!isWanted
                || lastWasStopped
                || board.heldBack(environments, priority, passesFreeze).isPresent()) {
            return;
        }
        board.holderOf(policies.getFirst().lockGroup())
                .filter(holder -> holder.batchKey().equals(batchKey))
                .filter(holder -> isNewerThan(holder) && isAtLeastAsUrgentAs(holder))
                .filter(holder -> !holder.requireGrant().cancelRequested())
                .ifPresent(holder -> board.add(new Change.RequestCancel(
                        holder, CancelCause.NEWER, "a newer run of the same environments, repository and ref waits")));
    }

    private boolean isNewerThan(Run other) {
        return run == null || other.id().compareTo(run.id()) < 0;
    }

    private boolean isAtLeastAsUrgentAs(Run other) {
        return priority.compareTo(other.priority()) <= 0 && (passesFreeze || !other.passesFreeze());
    }
}
