package io.lockkeeper.coordination;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The rules of the queue once more, written from the design alone and as simply as possible: one list of runs, no locks, no database, and
 * whatever is overdue ends at once. Each environment is a lock group of its own here.
 */
final class QueueModel {
    private static final int THRESHOLD = 3;

    /** What a run would end as if its time were up now. */
    enum Due {
        SILENT,
        WAITED_TOO_LONG
    }

    static final class Entry {
        final long id;
        final Set<String> environments;
        final boolean high;
        final boolean latest;
        final String sha;
        RunStatus status = RunStatus.QUEUED;
        boolean pickedUp;
        boolean wasGranted;
        boolean reported;
        boolean cancelRequested;

        @Nullable
        Due due;

        @Nullable
        Long into;

        boolean covered;

        @Nullable
        Long shippedBy;

        Entry(long id, Set<String> environments, boolean high, boolean latest, String sha) {
            this.id = id;
            this.environments = environments;
            this.high = high;
            this.latest = latest;
            this.sha = sha;
        }

        boolean meets(Entry other) {
            return environments.stream().anyMatch(other.environments::contains);
        }

        /** Hotfixes come from a repository of their own in these histories. */
        boolean canCover(Entry other) {
            return environments.equals(other.environments) && high == other.high;
        }

        boolean isPending() {
            return !status.hasEnded();
        }

        @Override
        public String toString() {
            return id + " " + status + " " + into + " " + (into != null && covered) + " " + shippedBy + " "
                    + cancelRequested;
        }
    }

    final List<Entry> entries = new ArrayList<>();

    Stream<Entry> with(RunStatus status) {
        return entries.stream().filter(entry -> entry.status == status);
    }

    private Stream<Entry> queue() {
        return with(RunStatus.QUEUED)
                .sorted(Comparator.comparing((Entry entry) -> !entry.high).thenComparingLong(entry -> entry.id));
    }

    /** Makes a run, or none if it would have to wait and does not want to. */
    Optional<Entry> acquire(Entry asked, boolean failFast, boolean batch) {
        settle();
        boolean held = with(RunStatus.IN_PROGRESS).anyMatch(asked::meets);
        boolean overtaking =
                with(RunStatus.QUEUED).anyMatch(ahead -> asked.meets(ahead) && (ahead.high || !asked.high));
        if (!held && !overtaking) {
            grant(asked);
            asked.pickedUp = true;
        } else if (failFast) {
            return Optional.empty();
        } else if (batch && !asked.high && asked.environments.stream().anyMatch(this::isFull)) {
            with(RunStatus.QUEUED)
                    .filter(asked::canCover)
                    .max(Comparator.comparingLong(entry -> entry.id))
                    .ifPresent(cover -> {
                        asked.status = RunStatus.SKIPPED;
                        asked.into = cover.id;
                        asked.covered = cover.latest;
                    });
        }
        entries.add(asked);
        return Optional.of(asked);
    }

    private boolean isFull(String environment) {
        return entries.stream()
                        .filter(entry -> entry.isPending() && entry.environments.contains(environment))
                        .count()
                >= THRESHOLD;
    }

    /** A wait call. */
    void touch(Entry run) {
        if (run.status == RunStatus.IN_PROGRESS) {
            run.pickedUp = true;
        }
    }

    void heartbeat(Entry run) {
        if (run.status == RunStatus.IN_PROGRESS) {
            run.pickedUp = true;
        }
    }

    void cancel(Entry run) {
        if (run.status == RunStatus.QUEUED || (run.status == RunStatus.IN_PROGRESS && !run.pickedUp)) {
            end(run, RunStatus.CANCELLED);
        } else if (run.status == RunStatus.IN_PROGRESS) {
            run.cancelRequested = true;
        }
        settle();
    }

    void release(Entry run, Report.Result result, @Nullable String deployedSha) {
        boolean success = result == Report.Result.SUCCESS;
        if (run.status == RunStatus.QUEUED && result == Report.Result.CANCELLED) {
            end(run, RunStatus.CANCELLED);
        } else if (run.status == RunStatus.IN_PROGRESS) {
            run.reported = true;
            if (success) {
                ship(run, deployedSha);
            }
            end(run, RunStatus.valueOf(result.name()));
        } else if (run.wasGranted
                && !run.reported
                && (run.status == RunStatus.EXPIRED || run.status == RunStatus.ABANDONED)) {
            run.reported = true;
            if (success) {
                ship(run, deployedSha);
            }
        }
        settle();
    }

    /** Ends what is overdue, then grants what is first in all its groups. */
    void settle() {
        for (Entry run : entries) {
            if (run.isPending() && run.due != null) {
                boolean expired = run.status == RunStatus.IN_PROGRESS && run.pickedUp;
                boolean timedOut = run.status == RunStatus.QUEUED && run.due == Due.WAITED_TOO_LONG;
                end(run, expired ? RunStatus.EXPIRED : timedOut ? RunStatus.TIMED_OUT : RunStatus.ABANDONED);
            }
        }
        Set<String> taken = new HashSet<>();
        with(RunStatus.IN_PROGRESS).forEach(holder -> taken.addAll(holder.environments));
        for (Entry run : queue().toList()) {
            if (run.environments.stream().noneMatch(taken::contains)) {
                grant(run);
            }
            taken.addAll(run.environments);
        }
    }

    private static void grant(Entry run) {
        run.status = RunStatus.IN_PROGRESS;
        run.wasGranted = true;
        run.due = null;
    }

    private void end(Entry run, RunStatus status) {
        run.status = status;
        Optional<Entry> successor = queue().filter(run::canCover)
                .filter(next -> next.latest && next.due == null)
                .findFirst();
        for (Entry change : receipts(run, change -> change.covered && change.shippedBy == null)) {
            change.covered = successor.isPresent();
            change.into = successor.map(next -> next.id).orElse(change.into);
        }
    }

    private void ship(Entry run, @Nullable String deployedSha) {
        String told = told(run);
        String deployed = Objects.requireNonNullElse(deployedSha, told);
        long upTo = 0;
        if (run.latest) {
            if (deployed.equals(told)) {
                upTo = Long.MAX_VALUE;
            } else if (deployed.equals(run.sha)) {
                upTo = run.id;
            }
            for (Entry change : receipts(run, change -> change.sha.equals(deployed))) {
                upTo = Math.max(upTo, change.id);
            }
        }
        for (Entry change : entries) {
            if (change.status == RunStatus.SKIPPED && change.shippedBy == null) {
                boolean included = Objects.equals(change.into, run.id) && change.id <= upTo;
                boolean itself = change.sha.equals(deployed) && run.environments.containsAll(change.environments);
                if (included || itself) {
                    change.shippedBy = run.id;
                }
            }
        }
    }

    /** The newest sha among the run's own and those that it covers. */
    private String told(Entry run) {
        return Stream.concat(Stream.of(run), receipts(run, change -> change.covered).stream())
                .max(Comparator.comparingLong(entry -> entry.id))
                .orElseThrow()
                .sha;
    }

    private List<Entry> receipts(Entry run, Predicate<Entry> which) {
        return entries.stream()
                .filter(change -> Objects.equals(change.into, run.id))
                .filter(which)
                .toList();
    }
}
