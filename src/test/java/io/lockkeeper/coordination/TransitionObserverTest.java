package io.lockkeeper.coordination;

import static io.lockkeeper.coordination.Fixture.request;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.environment.EnvironmentName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What those are told who only look on. */
class TransitionObserverTest {
    private static final EnvironmentName PRODUCTION = new EnvironmentName("production");
    private static final Actor ADMIN = new Actor("olivia", "incident 12");

    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    void grant_is_told_with_the_environment_that_it_made() {
        Run run = lockkeeper.acquire("production");

        Effects effects = told();
        assertThat(effects.at()).isEqualTo(run.createdAt());
        assertThat(effects.created()).containsExactly(PRODUCTION);
        assertThat(effects.runs()).containsExactly(new RunChange(null, run, new Actor("tester", null)));
        assertThat(effects.runs().getFirst().isGrant()).isTrue();
        assertThat(effects.runs().getFirst().wait(effects.at())).contains(Duration.ZERO);
        assertThat(effects.acts()).isEmpty();
        assertThat(effects.refusal()).isNull();
    }

    @Test
    void release_is_told_with_the_grant_that_it_makes_room_for() {
        Run first = lockkeeper.acquire("production");
        Run second = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofSeconds(90), first);
        lockkeeper.passes(Duration.ofSeconds(30), second);
        lockkeeper.effects.clear();

        lockkeeper.release(first);

        Effects effects = told();
        assertThat(effects.runs()).extracting(change -> change.after().id()).containsExactly(first.id(), second.id());
        RunChange end = effects.runs().get(0);
        assertThat(end.isEnd()).isTrue();
        assertThat(requireNonNull(end.before()).status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(end.after()).isEqualTo(lockkeeper.now(first));
        assertThat(end.by()).isEqualTo(new Actor("tester", null));
        assertThat(end.deployment().orElseThrow()).isGreaterThanOrEqualTo(Duration.ofSeconds(90));
        RunChange grant = effects.runs().get(1);
        assertThat(grant.isGrant()).isTrue();
        assertThat(grant.by()).as("its turn has come").isEqualTo(Effects.LOCKKEEPER);
        assertThat(grant.wait(effects.at()).orElseThrow()).isGreaterThanOrEqualTo(Duration.ofSeconds(30));
        assertThat(grant.deployment()).isEmpty();
    }

    @Test
    void sweeper_tells_what_it_ended_and_what_it_granted() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofHours(1), holder);
        lockkeeper.effects.clear();

        lockkeeper.sweep();

        Effects effects = told();
        assertThat(effects.runs())
                .extracting(RunChange::after)
                .containsExactly(lockkeeper.now(holder), lockkeeper.now(next));
        assertThat(effects.runs()).extracting(RunChange::by).containsOnly(Effects.LOCKKEEPER);
        assertThat(effects.runs().getFirst().after().status()).isEqualTo(RunStatus.EXPIRED);
    }

    @Test
    void sweep_that_finds_nothing_tells_nothing() {
        lockkeeper.acquire("production");
        lockkeeper.effects.clear();

        lockkeeper.sweep();

        assertThat(lockkeeper.effects).isEmpty();
    }

    @Test
    void repeated_request_tells_nothing() {
        lockkeeper.acquire(request("production").key("again"));
        lockkeeper.effects.clear();

        lockkeeper.acquire(request("production").key("again"));

        assertThat(lockkeeper.effects).isEmpty();
    }

    @Test
    void refused_acquire_tells_why_and_what_was_overdue() {
        Run holder = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofHours(1), holder);
        lockkeeper.effects.clear();

        lockkeeper.coordinator.acquire(request("production").failFast().build());

        Effects effects = told();
        assertThat(effects.refusal())
                .isEqualTo(new Refusal(List.of(PRODUCTION), Set.of(), Refusal.Code.LOCK_HELD, "tester"));
        assertThat(effects.runs()).extracting(change -> change.after().id()).containsExactly(holder.id(), next.id());
    }

    @Test
    void heartbeat_is_told_and_changes_no_status() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.effects.clear();

        lockkeeper.heartbeat(run);

        RunChange change = told().runs().getFirst();
        assertThat(change.changedStatus()).isFalse();
        assertThat(change.asksToStop()).isFalse();
        assertThat(change.wait(run.createdAt())).isEmpty();
    }

    @Test
    void client_that_is_asked_to_stop_is_told_with_who_asked() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.effects.clear();

        lockkeeper.coordinator.cancel(run.id(), "cancelled by olivia", ADMIN);

        Effects effects = told();
        assertThat(effects.runs().getFirst().asksToStop()).isTrue();
        assertThat(effects.runs().getFirst().by()).isEqualTo(ADMIN);
        assertThat(effects.acts())
                .containsExactly(new Effects.Act("cancelled_by_admin", List.of(PRODUCTION), run.id(), ADMIN));
    }

    @Test
    void forced_release_is_the_admins_and_the_grant_after_it_is_not() {
        Run holder = lockkeeper.acquire("production");
        lockkeeper.acquire("production");
        lockkeeper.effects.clear();

        lockkeeper.administration.forceRelease(
                PRODUCTION, holder.requireGrant().fencingToken(), true, _ -> true, ADMIN);

        assertThat(told().runs()).extracting(RunChange::by).containsExactly(ADMIN, Effects.LOCKKEEPER);
    }

    @Test
    void freeze_of_all_environments_is_told() {
        lockkeeper.administration.freezeAll(new FreezeEnd(null, null), ADMIN);

        assertThat(told().acts()).containsExactly(new Effects.Act("frozen_all", List.of(), null, ADMIN));
    }

    /** Whatever the observer looks at is there, and nobody waits for it: neither the lock of the group nor a connection is taken. */
    @Test
    void it_is_told_after_the_commit_and_without_locks() throws Exception {
        List<Long> locks = new ArrayList<>();
        List<RunStatus> stored = new ArrayList<>();
        List<Integer> connections = new ArrayList<>();
        Execution execution = new Execution(lockkeeper.jdbc, Fixture.TIMING, true, _ -> {}, List.of(effects -> {
            connections.add(lockkeeper.pool.getHikariPoolMXBean().getActiveConnections());
            locks.add(lockkeeper.advisoryLocks(true));
            stored.add(lockkeeper.status(effects.runs().getFirst().after()));
        }));

        new Coordinator(execution, lockkeeper.reader)
                .acquire(request("production").build());

        assertThat(stored).containsExactly(RunStatus.IN_PROGRESS);
        assertThat(locks).containsExactly(0L);
        assertThat(connections).containsExactly(0);
    }

    @Test
    void observer_that_throws_fails_neither_the_transition_nor_the_next_observer() {
        List<Effects> second = new ArrayList<>();
        Execution execution = new Execution(
                lockkeeper.jdbc,
                Fixture.TIMING,
                true,
                _ -> {},
                List.of(
                        _ -> {
                            throw new IllegalStateException("on purpose");
                        },
                        second::add));
        Coordinator coordinator = new Coordinator(execution, lockkeeper.reader);

        assertThat(coordinator.acquire(request("production").build())).isInstanceOf(AcquireOutcome.Granted.class);
        assertThat(second).hasSize(1);
    }

    @Test
    void transaction_that_is_rolled_back_is_not_told() {
        Run run = lockkeeper.acquire("production");
        lockkeeper.effects.clear();
        // Everything is written, and then the commit fails.
        lockkeeper.jdbc.execute("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'on purpose';
                END $$""");
        lockkeeper.jdbc.execute("""
                CREATE CONSTRAINT TRIGGER fails_at_commit AFTER UPDATE ON run DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION fail()""");

        assertThatThrownBy(() -> lockkeeper.release(run)).isInstanceOf(RuntimeException.class);

        assertThat(lockkeeper.effects).isEmpty();
    }

    @Test
    void time_until_an_approval_is_no_wait_for_the_lock() {
        lockkeeper.jdbc.update("INSERT INTO lock_group (name) VALUES ('production')");
        lockkeeper.jdbc.update("""
                INSERT INTO environment (name, lock_group, created_at, approvals_required)
                VALUES ('production', 'production', statement_timestamp(), 1)""");
        Run run = lockkeeper.acquire("production");
        lockkeeper.passes(Duration.ofHours(1), run);
        lockkeeper.effects.clear();

        lockkeeper.administration.approve(run.id(), true, ADMIN);

        Effects effects = told();
        RunChange change = effects.runs().getFirst();
        assertThat(change.isGrant()).isTrue();
        assertThat(change.by()).isEqualTo(ADMIN);
        assertThat(change.wait(effects.at())).contains(Duration.ZERO);
    }

    private Effects told() {
        assertThat(lockkeeper.effects).hasSize(1);
        return requireNonNull(lockkeeper.effects.poll());
    }
}
