package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs over several environments, raced by two replicas. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class AllOrNoneTest {
    private static final String[] TEN =
            IntStream.range(0, 10).mapToObj(i -> "env-" + i).toArray(String[]::new);
    private static final String BROKEN = """
            SELECT 'two holders of ' || lock_group FROM claim WHERE status = 'in_progress' GROUP BY lock_group HAVING count(*) > 1
            UNION ALL
            SELECT 'run ' || r.id || ' in part' FROM run r
            WHERE r.status IN ('queued', 'in_progress')
              AND cardinality(r.environments) <> (SELECT count(*) FROM claim c WHERE c.run_id = r.id AND c.status = r.status)""";

    @Test
    @Tag("invariant-4")
    void readers_see_a_run_over_ten_environments_hold_none_or_ten() throws Exception {
        try (Fixture lockkeeper = new Fixture();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            AtomicBoolean over = new AtomicBoolean();
            List<Future<Integer>> readers = new ArrayList<>();
            for (int reader = 0; reader < 4; reader++) {
                readers.add(threads.submit(() -> {
                    int looks = 0;
                    while (!over.get()) {
                        List<@Nullable Integer> held = lockkeeper.jdbc.queryForList(
                                "SELECT count(*) FROM claim WHERE status = 'in_progress' GROUP BY run_id",
                                Integer.class);
                        assertThat(held).allSatisfy(count -> assertThat(count).isEqualTo(10));
                        looks++;
                    }
                    return looks;
                }));
            }
            for (int i = 0; i < 200; i++) {
                Run run = lockkeeper.acquire(TEN);
                assertThat(run.status()).isEqualTo(RunStatus.IN_PROGRESS);
                lockkeeper.release(run);
            }
            over.set(true);
            for (Future<Integer> reader : readers) {
                assertThat(reader.get()).isPositive();
            }
        }
    }

    @Test
    @Tag("invariant-4")
    void random_runs_over_several_environments_never_wait_for_each_other() throws Exception {
        try (Fixture one = new Fixture();
                Fixture two = new Fixture(one.database);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> clients = new ArrayList<>();
            for (int client = 0; client < 8; client++) {
                Random random = new Random(client);
                Fixture replica = client % 2 == 0 ? one : two;
                clients.add(threads.submit(() -> client(random, replica)));
            }
            int served = 0;
            for (Future<Integer> client : clients) {
                served += client.get();
            }
            assertThat(served).as("every try was served").isEqualTo(8 * 250);
            assertThat(one.jdbc.queryForObject(
                            "SELECT count(*) FROM run WHERE status IN ('queued', 'in_progress')", Integer.class))
                    .isZero();
        }
    }

    /** Asks for a few of the environments in any order, waits, releases, and looks whether everything is whole. */
    private static int client(Random random, Fixture replica) {
        int served = 0;
        for (int i = 0; i < 250; i++) {
            List<String> environments = new ArrayList<>(List.of(TEN).subList(0, 4));
            Collections.shuffle(environments, random);
            Run run = replica.acquire(Fixture.request(
                            environments.subList(0, 2 + random.nextInt(3)).toArray(String[]::new))
                    .unbatched());
            Fixture.await(() -> replica.touch(run).run().status() == RunStatus.IN_PROGRESS);
            assertThat(replica.jdbc.queryForList(BROKEN, String.class)).isEmpty();
            replica.release(run);
            served++;
        }
        return served;
    }
}
