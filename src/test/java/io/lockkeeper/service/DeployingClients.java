package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.service.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Clients that deploy again and again until they are stopped, as every client should do it: with an idempotency key, and asking again when no answer came.
 * They speak with two replicas in turn, and note what they were told.
 */
final class DeployingClients implements AutoCloseable {
    private static final int CLIENTS = 16;
    private static final int ENVIRONMENTS = 4;
    private static final long PATIENCE_SECONDS = 90;

    /** A release that was answered. */
    private record Served(long run, long fencingToken) {}

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<CompletableFuture<Void>> clients = new ArrayList<>();
    private final Queue<Served> served = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> deploying = new ConcurrentHashMap<>();
    private final AtomicInteger overlaps = new AtomicInteger();
    private volatile boolean enough;

    DeployingClients(Api first, Api second) {
        for (int number = 0; number < CLIENTS; number++) {
            String environment = "busy-" + number % ENVIRONMENTS;
            boolean even = number % 2 == 0;
            clients.add(CompletableFuture.runAsync(
                    () -> {
                        while (!enough) {
                            deploy(environment, even ? first : second, even ? second : first);
                        }
                    },
                    threads));
        }
    }

    /** How many deployments have ended by now. Fails as soon as a client was answered what none should be. */
    int served() {
        clients.stream().filter(CompletableFuture::isCompletedExceptionally).forEach(CompletableFuture::join);
        return served.size();
    }

    /** Lets each end what it does. Fails when one was answered what no client should be. */
    void stop() throws InterruptedException, ExecutionException, TimeoutException {
        enough = true;
        CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** That each was alone while it deployed, and that the database knows all that they were told. */
    void assertNothingIsLostOrDoubled(JdbcClient jdbc) {
        assertThat(overlaps).as("clients that were not alone").hasValue(0);
        assertThat(served).extracting(Served::fencingToken).doesNotHaveDuplicates();
        for (Served told : served) {
            assertThat(jdbc.sql("SELECT status || ' ' || fencing_token FROM run WHERE id = ?")
                            .param(told.run())
                            .query(String.class)
                            .optional())
                    .as("run %d, whose release was answered", told.run())
                    .contains("success " + told.fencingToken());
        }
        assertThat(jdbc.sql(
                                "SELECT id FROM run WHERE environments[1] LIKE 'busy-%' AND status NOT IN ('success', 'in_progress', 'queued')")
                        .query(Long.class)
                        .list())
                .as("runs that ended otherwise")
                .isEmpty();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }

    private void deploy(String environment, Api one, Api other) {
        Answer acquired = one.call(
                "POST",
                "/api/environments/" + environment + "/acquire",
                "{\"batch\":false}",
                "Idempotency-Key",
                UUID.randomUUID().toString());
        Answer granted = acquired;
        while (granted.outcome().equals("queued")) {
            granted = other.await(acquired, 30);
        }
        assertThat(granted.outcome()).as(granted.text()).isEqualTo("granted");
        AtomicInteger here = deploying.computeIfAbsent(environment, any -> new AtomicInteger());
        if (here.incrementAndGet() > 1) {
            overlaps.incrementAndGet();
        }
        Answer heartbeat = one.heartbeat(acquired);
        assertThat(heartbeat.status()).as(heartbeat.text()).isEqualTo(200);
        here.decrementAndGet();
        Answer released = other.release(acquired);
        assertThat(released.status()).as(released.text()).isEqualTo(200);
        served.add(new Served(
                acquired.runId(), granted.json().path("fencing_token").asLong()));
    }
}
