package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A request that is repeated with its idempotency key finds its run again, however the repetitions race. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("invariant-8")
class IdempotencyTest {
    private static final int CALLS_AT_ONCE = 16;

    private final Fixture lockkeeper = new Fixture();
    private final Fixture replica = new Fixture(lockkeeper.database);

    @AfterEach
    void close() {
        lockkeeper.close();
        replica.close();
    }

    @Test
    void repeated_request_is_answered_with_its_run_and_the_seal_of_its_first_lock_token() {
        Run first = lockkeeper.acquire(keyed("production"));

        AcquireOutcome again =
                lockkeeper.coordinator.acquire(keyed("production").build());

        assertThat(again).isInstanceOfSatisfying(AcquireOutcome.Replayed.class, replayed -> {
            assertThat(replayed.report().run().id()).isEqualTo(first.id());
            assertThat(replayed.report().run().seal()).isEqualTo(first.seal());
            assertThat(replayed.report().run().status()).isEqualTo(RunStatus.IN_PROGRESS);
        });
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void repeated_request_of_a_queued_run_counts_as_presence_and_picks_its_grant_up() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire(keyed("production"));
        lockkeeper.passes(Fixture.TIMING.presence().minusSeconds(20), queued);
        assertThat(requireNonNull(replayed(keyed("production")).standing()).position())
                .isEqualTo(1);
        lockkeeper.passes(Fixture.TIMING.presence().minusSeconds(20), queued);

        lockkeeper.release(holder);
        assertThat(lockkeeper.now(queued).awaitsPickUp()).isTrue();

        assertThat(replayed(keyed("production")).run().awaitsPickUp()).isFalse();
    }

    @Test
    void repeated_request_of_an_ended_run_is_told_its_end() {
        Run run = lockkeeper.acquire(keyed("production"));
        lockkeeper.release(run);

        assertThat(replayed(keyed("production")).run()).isEqualTo(lockkeeper.now(run));
    }

    @Test
    @Tag("invariant-9")
    void repeated_request_is_not_told_that_it_holds_a_lock_whose_lease_is_over() {
        Run run = lockkeeper.acquire(keyed("production"));
        lockkeeper.passes(run.lease(), run);

        assertThat(replayed(keyed("production")).run().status()).isEqualTo(RunStatus.EXPIRED);
    }

    @Test
    void same_key_with_another_body_is_refused() {
        Run run = lockkeeper.acquire(keyed("production"));

        assertThat(lockkeeper.coordinator.acquire(
                        keyed("production").body("{\"sha\":\"b\"}").build()))
                .isEqualTo(new AcquireOutcome.KeyReused(run.id()));
        assertThat(lockkeeper.coordinator.acquire(keyed("staging").body("other").build()))
                .isEqualTo(new AcquireOutcome.KeyReused(run.id()));
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void same_key_of_another_caller_is_another_key() {
        Run mine = lockkeeper.acquire(keyed("production"));
        Run theirs = lockkeeper.acquire(keyed("production").caller("somebody else"));

        assertThat(theirs.id()).isNotEqualTo(mine.id());
    }

    @Test
    void concurrent_requests_with_one_key_make_one_run_and_are_answered_the_same() throws Exception {
        List<AcquireOutcome> outcomes = atOnce(i -> (i % 2 == 0 ? lockkeeper : replica)
                .coordinator.acquire(keyed("production", "staging").build()));

        assertThat(runs()).isEqualTo(1);
        Run run = lockkeeper.run(new RunId(1));
        assertThat(outcomes).allSatisfy(outcome -> {
            Run answered = switch (outcome) {
                case AcquireOutcome.Granted granted -> granted.report().run();
                case AcquireOutcome.Replayed replayed -> replayed.report().run();
                default -> throw new AssertionError(outcome);
            };
            assertThat(answered.id()).isEqualTo(run.id());
            assertThat(answered.seal()).isEqualTo(run.seal());
            assertThat(answered.grant()).isEqualTo(run.grant());
        });
    }

    @Test
    void concurrent_requests_with_one_key_for_different_environments_make_one_run() throws Exception {
        List<AcquireOutcome> outcomes = atOnce(i -> (i % 2 == 0 ? lockkeeper : replica)
                .coordinator.acquire(keyed("environment-" + i).body("body " + i).build()));

        assertThat(runs()).isEqualTo(1);
        assertThat(outcomes)
                .filteredOn(AcquireOutcome.Granted.class::isInstance)
                .hasSize(1);
        assertThat(outcomes)
                .filteredOn(AcquireOutcome.KeyReused.class::isInstance)
                .hasSize(CALLS_AT_ONCE - 1);
        assertThat(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM environment", Long.class))
                .isEqualTo(1);
    }

    private interface Call {
        AcquireOutcome make(int number);
    }

    private static List<AcquireOutcome> atOnce(Call call) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<Future<AcquireOutcome>> answers = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CALLS_AT_ONCE; i++) {
                int number = i;
                Callable<AcquireOutcome> task = () -> {
                    start.await();
                    return call.make(number);
                };
                answers.add(threads.submit(task));
            }
            start.countDown();
            List<AcquireOutcome> outcomes = new ArrayList<>();
            for (Future<AcquireOutcome> answer : answers) {
                outcomes.add(answer.get(30, TimeUnit.SECONDS));
            }
            return outcomes;
        }
    }

    private RunReport replayed(Fixture.Ask ask) {
        return ((AcquireOutcome.Replayed) lockkeeper.coordinator.acquire(ask.build())).report();
    }

    private long runs() {
        return requireNonNull(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM run", Long.class));
    }

    private static Fixture.Ask keyed(String... environments) {
        return Fixture.request(environments).key("build 4711");
    }
}
