package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.history.Retention;
import io.lockkeeper.history.RetentionProperties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Old runs go while others come. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RetentionBesideTransitionsTest {

    @Test
    void transitions_do_not_wait_for_an_open_batch_in_the_same_lock_group() throws Exception {
        try (Fixture lockkeeper = new Fixture()) {
            for (int i = 0; i < 5; i++) {
                lockkeeper.release(
                        lockkeeper.acquire(Fixture.request("production").sha("old-" + i)));
            }
            Run last = lockkeeper.acquire("production");
            lockkeeper.touch(last);
            lockkeeper.release(last);
            Run holder = lockkeeper.acquire("production");
            Run queued = lockkeeper.acquire("production");
            age(lockkeeper);
            JdbcTransactionManager transactions = new JdbcTransactionManager(lockkeeper.pool);
            Retention retention = new Retention(
                    JdbcClient.create(lockkeeper.pool), transactions, new RetentionProperties(90, 400, 7));

            // The batches join this transaction, which holds their locks until the transitions have come through.
            new TransactionTemplate(transactions).executeWithoutResult(open -> {
                assertThat(retention.run().runs()).isEqualTo(5);
                CompletableFuture<Run> others = CompletableFuture.supplyAsync(() -> {
                    lockkeeper.touch(holder);
                    lockkeeper.heartbeat(holder);
                    lockkeeper.release(holder, Report.Result.SUCCESS, "old-0");
                    lockkeeper.sweep();
                    return lockkeeper.acquire("production");
                });
                assertThat(others.orTimeout(Fixture.PATIENCE.toSeconds(), TimeUnit.SECONDS)
                                .join()
                                .status())
                        .isEqualTo(RunStatus.QUEUED);
            });

            assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
            assertThat(lockkeeper.status(last)).isEqualTo(RunStatus.SUCCESS);
            assertThat(lockkeeper.jdbc.queryForObject("SELECT count(*) FROM run", Long.class))
                    .isEqualTo(4);
        }
    }

    /** Everything that has ended has done so long ago. */
    private static void age(Fixture lockkeeper) {
        lockkeeper.jdbc.execute("ALTER TABLE run DISABLE TRIGGER run_guard");
        lockkeeper.jdbc.update(
                "UPDATE run SET completed_at = completed_at - interval '91 days' WHERE completed_at IS NOT NULL");
        lockkeeper.jdbc.execute("ALTER TABLE run ENABLE TRIGGER run_guard");
    }
}
