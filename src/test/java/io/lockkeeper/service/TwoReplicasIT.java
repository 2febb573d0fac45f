package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Two services on one database, and what happens when one of them, or its link, goes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TwoReplicasIT {
    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private ServiceProcess firstProcess = ServiceProcess.startOn(database);
    private ServiceProcess secondProcess = ServiceProcess.startOn(database);
    // Connections that a test kills may be met by the calls of the next one, too.
    private Api first = new Api(firstProcess.url(), firstProcess.adminToken()).patient();
    private Api second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();

    @BeforeAll
    void both_answer() {
        assertThat(first.integrity().status()).isEqualTo(200);
        assertThat(second.integrity().status()).isEqualTo(200);
    }

    @AfterAll
    void stop() {
        firstProcess.close();
        secondProcess.close();
    }

    @Test
    void waiter_of_one_replica_is_woken_by_a_release_at_the_other() throws Exception {
        for (int i = 0; i < 10; i++) {
            Answer holder = first.acquire("across", "{}");
            Answer waiter = second.acquire("across", "{}");
            CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(() -> second.await(waiter, 60));

            first.release(holder);

            assertThat(waiting.get(30, TimeUnit.SECONDS).outcome()).isEqualTo("granted");
            second.release(waiter);
        }
    }

    @Test
    void re_check_wakes_those_whom_no_announcement_reaches() throws Exception {
        Answer holder = first.acquire("deaf", "{}");
        Answer waiter = second.acquire("deaf", "{}");
        CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(() -> second.await(waiter, 60));
        // A change that no replica made, so nobody rings: what a lost announcement looks like.
        jdbc.sql("UPDATE run SET queue_expires_at = statement_timestamp() WHERE id = ?")
                .param(waiter.runId())
                .update();

        Answer ended = waiting.get(30, TimeUnit.SECONDS);

        assertThat(ended.outcome()).isEqualTo("ended");
        assertThat(ended.json().path("run").path("status").asString()).isEqualTo("timed_out");
        first.release(holder);
    }

    @Test
    void killed_connections_are_made_again_and_waiting_goes_on() throws Exception {
        Answer holder = first.acquire("cut", "{}");
        Answer waiter = second.acquire("cut", "{}");
        CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(() -> second.await(waiter, 60));

        jdbc.sql("""
                SELECT count(pg_terminate_backend(pid))
                FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()""").query(Integer.class).single();

        assertThat(first.release(holder).status()).isEqualTo(200);
        assertThat(waiting.get(30, TimeUnit.SECONDS).outcome()).isEqualTo("granted");
        second.release(waiter);
    }

    @Test
    void invariant_8_one_key_at_both_replicas_at_once_makes_one_run() {
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Api replica = i % 2 == 0 ? first : second;
            answers.add(CompletableFuture.supplyAsync(
                    () -> replica.call("POST", "/api/environments/twice/acquire", "{}", "Idempotency-Key", "one")));
        }
        Set<String> tokens = new TreeSet<>();
        answers.forEach(answer -> tokens.add(answer.join().lockToken()));

        assertThat(tokens).hasSize(1);
        assertThat(jdbc.sql("SELECT count(*) FROM run WHERE environments = '{twice}'")
                        .query(Integer.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void killed_replica_loses_nothing_and_its_clients_go_on_at_the_other() {
        Answer holder = second.acquire("failover", "{}");
        Answer next = second.acquire("failover", "{}");
        Answer last = first.acquire("failover", "{}");
        CompletableFuture<Answer> parked = CompletableFuture.supplyAsync(() -> second.await(next, 60));

        secondProcess.kill9();

        assertThat(parked.handle((answer, fault) -> fault instanceof CompletionException)
                        .join())
                .isTrue();
        assertThat(first.heartbeat(holder).status()).isEqualTo(200);
        assertThat(first.await(next, 0).json().path("position").asInt()).isEqualTo(1);
        assertThat(first.await(last, 0).json().path("position").asInt()).isEqualTo(2);
        assertThat(first.release(holder).status()).isEqualTo(200);
        assertThat(first.await(next, 30).outcome()).isEqualTo("granted");
        assertThat(first.release(next).status()).isEqualTo(200);
        assertThat(first.await(last, 30).outcome()).isEqualTo("granted");
        assertThat(first.integrity().text()).isEqualTo("{\"violations\":[]}");
        secondProcess = secondProcess.restart();
        second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();
    }

    @Test
    void stopped_replica_answers_its_parked_calls_first() throws Exception {
        Answer holder = first.acquire("stopping", "{}");
        Answer waiter = second.acquire("stopping", "{}");
        CompletableFuture<Answer> parked = CompletableFuture.supplyAsync(() -> second.await(waiter, 60));
        await().until(this::callIsParked);

        secondProcess.stop();

        assertThat(parked.get(5, TimeUnit.SECONDS).outcome()).isEqualTo("queued");
        first.release(holder);
        assertThat(first.await(waiter, 30).outcome()).isEqualTo("granted");
        secondProcess = secondProcess.restart();
        second = new Api(secondProcess.url(), secondProcess.adminToken()).patient();
    }

    /** Whether the waiter has been seen since it was made. */
    private boolean callIsParked() {
        return jdbc.sql(
                        "SELECT last_contact_at > created_at FROM run WHERE environments = '{stopping}' AND status = 'queued'")
                .query(Boolean.class)
                .single();
    }
}
