package io.lockkeeper.notify;

import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.LockProof;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.notify.WaitingRoom.Full;
import io.lockkeeper.notify.WaitingRoom.Place;
import io.lockkeeper.notify.WaitingRoom.Subject;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Answers about a run, now or when it has changed. */
public final class RunWaiting {
    private final Coordinator coordinator;
    private final RunReader reader;
    private final WaitingRoom room;

    public RunWaiting(Coordinator coordinator, RunReader reader, WaitingRoom room) {
        this.coordinator = coordinator;
        this.reader = reader;
        this.room = room;
    }

    /** What ends the wait. */
    public enum Until {
        /** The run is granted, or will not be. */
        DECIDED,
        /** The run has ended. */
        ENDED;

        private boolean isReached(RunStatus status) {
            return this == DECIDED ? !status.isWaiting() : status.hasEnded();
        }
    }

    /**
     * Looks at a run, and waits while there is nothing new.
     *
     * @param proof shown by the run's own client, whose asking counts as presence and picks a grant up; null for anybody else
     */
    public WaitOutcome await(RunId id, @Nullable LockProof proof, Patience patience, Until until)
            throws InterruptedException {
        return await(id, proof, patience, until, run -> true);
    }

    /**
     * The same for a caller that may not be allowed to look.
     *
     * @param mayLook whether the caller may look at the run; one that may not is answered at once, and it is for you to refuse it
     */
    public WaitOutcome await(
            RunId id, @Nullable LockProof proof, Patience patience, Until until, Predicate<Run> mayLook)
            throws InterruptedException {
        if (patience.isNone()) {
            return answer(look(id, proof), proof);
        }
        long deadline =
                System.nanoTime() + patience.limit().toNanos(); // The call's own length, nothing that is stored.
        return switch (room.enter(new Subject.OfRun(id), patience.caller())) {
            case Full full -> new WaitOutcome.TooManyWaiting(full.bound());
            case Place entered -> {
                try (Place place = entered) {
                    Optional<RunReport> report = room.look(() -> look(id, proof));
                    while (report.isPresent()
                            && isAllowed(report.get(), proof)
                            && mayLook.test(report.get().run())
                            && !until.isReached(report.get().run().status())
                            && place.await(
                                    Duration.ofNanos(Math.max(0, deadline - System.nanoTime())),
                                    report.get().run().status())) {
                        report = room.look(() -> look(id, proof));
                    }
                    Optional<RunReport> last = report;
                    yield room.look(() -> answer(last, proof));
                }
            }
        };
    }

    private Optional<RunReport> look(RunId id, @Nullable LockProof proof) {
        Optional<RunReport> report = proof == null ? reader.find(id) : reader.touch(proof);
        if (report.isPresent() && coordinator.endIfOverdue(report.get())) {
            return reader.find(id);
        }
        return report;
    }

    private static boolean isAllowed(RunReport report, @Nullable LockProof proof) {
        return proof == null || report.run().seal().digest().matches(proof.digest());
    }

    private WaitOutcome answer(Optional<RunReport> report, @Nullable LockProof proof) {
        if (report.isEmpty()) {
            return new WaitOutcome.Unknown();
        }
        if (!isAllowed(report.get(), proof)) {
            return new WaitOutcome.ProofInvalid();
        }
        return new WaitOutcome.Answer(reader.withStanding(report.get()));
    }
}
