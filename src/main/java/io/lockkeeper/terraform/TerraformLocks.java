package io.lockkeeper.terraform;

import io.lockkeeper.coordination.AcquireOutcome;
import io.lockkeeper.coordination.AcquireRequest;
import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.Blocker;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.Coverage;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.ForeignLock;
import io.lockkeeper.coordination.LockProof;
import io.lockkeeper.coordination.LockTokenSeal;
import io.lockkeeper.coordination.Mode;
import io.lockkeeper.coordination.Priority;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunDetails;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.coordination.Sha256;
import io.lockkeeper.coordination.Standing;
import io.lockkeeper.coordination.TrustedField;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.LockTokens;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.KnownEnvironments;
import io.lockkeeper.web.Problem;
import io.lockkeeper.web.ProblemException;
import io.lockkeeper.web.ProblemType;
import io.lockkeeper.web.RunProblems;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Terraform's locks as runs. A lock ID of a caller is one run as long as that has not ended, so that Terraform's repetitions, with the same
 * ID, keep their place and find the lock when it is theirs.
 */
@Component
class TerraformLocks {
    /** What a run of Terraform says that it is, in {@code source} and, so that metrics tell them apart, {@code tier}. */
    static final String TERRAFORM = "terraform";

    /** A run that ended between two looks is asked for again; the second time it is a new one. */
    private static final int LOOKS = 3;

    /**
     * Terraform repeats a forced UNLOCK whose answer was lost, and does not say which lock it means. So long after one of the same caller,
     * another must not hit whoever was granted the lock since.
     */
    private static final Duration REPETITION = Duration.ofSeconds(30);

    private final Coordinator coordinator;
    private final Administration administration;
    private final RunReader runs;
    private final EnvironmentReader environments;
    private final KnownEnvironments knownEnvironments;
    private final LockTokens lockTokens;
    private final TerraformProperties properties;
    private final JdbcClient jdbc;

    TerraformLocks(
            Coordinator coordinator,
            Administration administration,
            RunReader runs,
            EnvironmentReader environments,
            KnownEnvironments knownEnvironments,
            LockTokens lockTokens,
            TerraformProperties properties,
            JdbcClient jdbc) {
        this.coordinator = coordinator;
        this.administration = administration;
        this.runs = runs;
        this.environments = environments;
        this.knownEnvironments = knownEnvironments;
        this.lockTokens = lockTokens;
        this.properties = properties;
        this.jdbc = jdbc;
    }

    /** What LOCK comes to; anything else is a {@link ProblemException}. */
    sealed interface Answer {
        LockInfo info();

        /** The lock is the caller's. */
        record Locked(LockInfo info) implements Answer {}

        /** It is not, because of what is told. */
        record Taken(LockInfo info) implements Answer {}
    }

    /**
     * Takes the lock, or a place in the queue, or looks whether a place has become the lock.
     *
     * @param queues whether a place is kept for a caller that does not get the lock at once
     */
    Answer lock(Caller caller, EnvironmentName environment, LockInfo info, boolean queues) {
        for (int look = 0; look < LOOKS; look++) {
            Optional<RunReport> known = touched(caller, environment, info.id());
            if (known.isPresent() && !known.get().run().status().hasEnded()) {
                return answer(environment, info, known.get());
            }
            Run spent = known.map(RunReport::run).orElse(null);
            if (spent != null && hasHeld(spent)) {
                throw RunProblems.refused(new RunOutcome.LeaseLost(spent, holderNow(environment)));
            }
            Answer answer = acquire(caller, environment, info, queues, spent == null ? null : spent.id());
            if (answer != null) {
                return answer;
            }
        }
        throw new IllegalStateException("run after run of lock " + info.id() + " ended at once");
    }

    /** The caller's run of this ID, which thereby is known to have a client, and to know if it was granted. */
    private Optional<RunReport> touched(Caller caller, EnvironmentName environment, String lockId) {
        return find(caller, environment, lockId)
                .flatMap(found -> found.run().status().hasEnded()
                        ? Optional.of(found)
                        : runs.touch(proof(found.run())).map(this::punctual));
    }

    private Optional<RunReport> find(Caller caller, EnvironmentName environment, String lockId) {
        return runs.foreignLock(environment, caller.name(), lockId).map(this::punctual);
    }

    /** A run whose time is up has ended, whether somebody has noticed or not. */
    private RunReport punctual(RunReport report) {
        return coordinator.endIfOverdue(report) ? runs.find(report.run().id()).orElseThrow() : report;
    }

    /**
     * Whether its client was told that the lock is its. Then the ID is spent: a LOCK that was under way for long must not take a lock that
     * nobody will give back.
     */
    private static boolean hasHeld(Run run) {
        return run.grant() != null && run.grant().pickedUpAt() != null;
    }

    static LockProof proof(Run run) {
        return new LockProof(run.id(), run.seal().digest());
    }

    private @Nullable Answer acquire(
            Caller caller, EnvironmentName environment, LockInfo info, boolean queues, @Nullable RunId spent) {
        return switch (coordinator.acquire(request(caller, environment, info, queues, spent))) {
            case AcquireOutcome.Granted _ -> new Answer.Locked(info);
            case AcquireOutcome.Queued queued -> answer(environment, info, queued.report());
            case AcquireOutcome.Replayed replayed ->
                replayed.report().run().status().hasEnded() ? null : answer(environment, info, replayed.report());
            case AcquireOutcome.Held held -> new Answer.Taken(inTheWay(environment, held.blockers(), null));
            case AcquireOutcome.HeldBackNow heldBack ->
                new Answer.Taken(inTheWay(environment, List.of(heldBack.blocker()), null));
            case AcquireOutcome.ApprovalRequired approval ->
                new Answer.Taken(inTheWay(environment, List.of(new Blocker.Approval(approval.required(), 0)), null));
            case AcquireOutcome.EnvironmentsUnknown unknown -> throw knownEnvironments.unknown(unknown.environments());
            case AcquireOutcome.KeyReused reused -> throw RunProblems.keyReused(reused.run());
            case AcquireOutcome.Skipped _, AcquireOutcome.PromotionRequired _ ->
                throw new IllegalStateException("a lock of Terraform is never skipped, nor promoted");
        };
    }

    private AcquireRequest request(
            Caller caller, EnvironmentName environment, LockInfo info, boolean queues, @Nullable RunId spent) {
        LockTokens.Minted minted = lockTokens.mint();
        String lock = "terraform lock " + info.id() + " of " + environment;
        return new AcquireRequest(
                List.of(environment),
                queues ? Mode.WAIT : Mode.FAIL_FAST,
                null,
                Duration.ofSeconds(properties.leaseSeconds()),
                false,
                Coverage.PINNED,
                Priority.NORMAL,
                false,
                details(caller, info),
                caller.name(),
                spent == null ? lock : lock + " after run " + spent,
                // Of what an acquire of our own protocol can never have: so no key leads from there to this lock's
                // token.
                Sha256.of(lock),
                new LockTokenSeal(minted.nonce(), Sha256.of(minted.digest())),
                new ForeignLock(info.id(), info.json(), Duration.ofSeconds(properties.presenceSeconds())));
    }

    /** What the ID token says of the caller counts; Terraform knows only its user and host. */
    private static RunDetails details(Caller caller, LockInfo info) {
        Set<TrustedField> trusted = EnumSet.noneOf(TrustedField.class);
        caller.trusted().values().forEach((field, value) -> {
            if (!value.isEmpty()) {
                trusted.add(field);
            }
        });
        return new RunDetails(
                caller.trusted().values().get(TrustedField.SHA),
                caller.trusted().values().get(TrustedField.REF),
                caller.trusted().values().get(TrustedField.REPOSITORY),
                info.title(),
                TERRAFORM,
                info.info(),
                caller.trusted().values().getOrDefault(TrustedField.USER, info.user()),
                info.host(),
                null,
                null,
                TERRAFORM,
                caller.trusted().values().get(TrustedField.RUN_URL),
                trusted);
    }

    private Answer answer(EnvironmentName environment, LockInfo info, RunReport report) {
        if (report.run().status() == RunStatus.IN_PROGRESS) {
            return new Answer.Locked(info);
        }
        Standing standing = Objects.requireNonNull(
                (report.standing() == null ? runs.withStanding(report) : report).standing(),
                "who waits stands somewhere");
        return new Answer.Taken(inTheWay(environment, standing.blockers(), standing));
    }

    /** The holder's own lock if it is Terraform's, and otherwise what is in the way in Terraform's form. */
    private LockInfo inTheWay(EnvironmentName environment, List<Blocker> blockers, @Nullable Standing standing) {
        Optional<Run> holder = blockers.stream()
                .filter(Blocker.Holder.class::isInstance)
                .map(blocker -> ((Blocker.Holder) blocker).run())
                .findFirst()
                .flatMap(runs::find)
                .map(RunReport::run)
                .filter(run -> run.grant() != null);
        ForeignLock foreign = holder.map(Run::foreignLock).orElse(null);
        if (foreign != null) {
            return LockInfo.stored(foreign.info());
        }
        String why = Objects.requireNonNullElse(RunProblems.inTheWay(blockers), "the runs ahead");
        String info = "Lockkeeper: " + environment + " is taken by " + why + "."
                + (standing == null
                        ? ""
                        : " Position " + standing.position() + " in the queue, which -lock-timeout keeps.");
        return holder.map(run -> ofDeployment(environment, run, info))
                .orElseGet(() -> new LockInfo(
                        "lockkeeper: " + why, "wait", info, "", "", environments.now(), environment.value()));
    }

    private static LockInfo ofDeployment(EnvironmentName environment, Run run, String info) {
        Instant since = run.requireGrant().at().truncatedTo(ChronoUnit.SECONDS);
        RunDetails details = run.details();
        String user = Objects.requireNonNullElse(details.user(), run.caller());
        String who = details.hostname() == null ? user : user + "@" + details.hostname();
        return new LockInfo(
                "run-" + run.id() + " (deployment by " + who + " since " + since + ")",
                "deployment",
                info,
                who,
                "",
                since,
                environment.value());
    }

    private Blocker.@Nullable Holder holderNow(EnvironmentName environment) {
        return runs.holder(environment)
                .map(RunReport::run)
                .map(run -> Blocker.Holder.of(run.lockGroups().iterator().next(), run))
                .orElse(null);
    }

    /** Gives back the lock of this ID, or its place in the queue. Terraform repeats it when it lost the answer. */
    void unlock(Caller caller, EnvironmentName environment, String lockId) {
        Run run =
                find(caller, environment, lockId).map(RunReport::run).orElseThrow(() -> notTheirs(environment, lockId));
        Report.Result result = run.status().isWaiting() ? Report.Result.CANCELLED : Report.Result.SUCCESS;
        RunOutcome outcome = coordinator.release(proof(run), new Report(result, null));
        if (outcome instanceof RunOutcome.NotGranted) {
            outcome = coordinator.release(proof(run), new Report(Report.Result.CANCELLED, null));
        }
        if (!(outcome instanceof RunOutcome.Ended)) {
            throw RunProblems.refused(outcome);
        }
    }

    private ProblemException notTheirs(EnvironmentName environment, String lockId) {
        boolean isSomebodysElse = runs.holder(environment)
                .map(report -> report.run().foreignLock())
                .filter(lock -> lock.id().equals(lockId))
                .isPresent();
        return isSomebodysElse
                ? Problem.of(
                                ProblemType.FORBIDDEN,
                                "The lock " + lockId + " of " + environment
                                        + " was taken with another token, and only that one gives it back. An admin takes it away with"
                                        + " terraform force-unlock.")
                        .asException()
                : Problem.of(
                                ProblemType.NOT_HELD,
                                "No lock of " + environment + " has the ID " + lockId + ". There is nothing to unlock.")
                        .asException();
    }

    /** Takes the lock away from whichever Terraform has it, of which Terraform's force-unlock names none. For admins. */
    void forceUnlock(Caller caller, EnvironmentName environment) {
        Optional<Run> held = runs.holder(environment).map(this::punctual).map(RunReport::run);
        if (held.isEmpty()
                || held.get().status().hasEnded()
                || isRepetition(caller, environment, held.get().requireGrant().at())) {
            return;
        }
        Run holder = held.get();
        ForeignLock lock = holder.foreignLock();
        boolean isProtected = environments
                .find(environment)
                .map(known -> known.policy().isProtected())
                .orElse(false);
        if (lock == null || isProtected) {
            throw Problem.of(
                            ProblemType.LOCK_HELD,
                            environment + " is held by run " + holder.id()
                                    + (lock == null ? ", which is no lock of Terraform" : ", and is protected")
                                    + ". Nothing was released. An admin takes the lock away with: lockkeeper force-release "
                                    + environment)
                    .with("run_id", holder.id().value())
                    .asException();
        }
        AdminOutcome outcome = administration.forceRelease(
                environment,
                holder.requireGrant().fencingToken(),
                true,
                place -> caller.may(Role.ADMIN, place.value()),
                new Actor(caller.name(), "terraform force-unlock of lock " + lock.id()));
        if (!(outcome instanceof AdminOutcome.Ended || outcome instanceof AdminOutcome.NotHeld)) {
            throw RunProblems.refused(outcome, environment.value());
        }
    }

    private boolean isRepetition(Caller caller, EnvironmentName environment, Instant grantedAt) {
        return jdbc.sql("""
                        SELECT EXISTS (
                            SELECT FROM audit
                            WHERE at > statement_timestamp() - make_interval(secs => :seconds)
                              AND at <= :grantedAt
                              AND actor = :actor
                              AND action = 'force_released_by_admin'
                              AND environments @> ARRAY[:environment::text])""")
                .param("seconds", (int) REPETITION.toSeconds())
                .param("grantedAt", OffsetDateTime.ofInstant(grantedAt, java.time.ZoneOffset.UTC))
                .param("actor", caller.name())
                .param("environment", environment.value())
                .query(Boolean.class)
                .single();
    }

    /** The caller's run of this ID if it may hold the lock now. */
    Optional<Run> holding(Caller caller, EnvironmentName environment, String lockId) {
        return find(caller, environment, lockId).map(RunReport::run);
    }
}
