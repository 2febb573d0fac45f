package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The database as high availability has it: a primary, and a standby that takes over when the primary is killed under load. */
class FailoverIT {
    private static final int CLIENTS = 16;
    private static final int ENVIRONMENTS = 4;

    /** A release that a client was told of. */
    private record Served(long run, long fencingToken) {}

    private final Queue<Served> served = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> deploying = new ConcurrentHashMap<>();
    private final AtomicInteger overlaps = new AtomicInteger();
    private final AtomicBoolean enough = new AtomicBoolean();

    @TempDir
    Path directory;

    @Test
    @Tag("invariant-12")
    void invariant_12_failover_to_a_synchronous_standby_loses_and_doubles_nothing() throws Exception {
        try (var servers = PrimaryAndStandby.start(directory);
                var one = replica(servers);
                var two = replica(servers);
                var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Api first = new Api(one.url(), one.adminToken()).patient();
            Api second = new Api(two.url(), two.adminToken()).patient();
            Answer holder = first.acquire("long", "{}");
            List<Answer> line = new ArrayList<>();
            for (int place = 0; place < 3; place++) {
                line.add(second.acquire("long", "{\"batch\":false}"));
            }
            List<CompletableFuture<Void>> load = load(clients, first, second);
            await().atMost(Duration.ofSeconds(60)).until(() -> served.size() > 100);

            servers.failOver();

            int before = served.size();
            await().atMost(Duration.ofSeconds(90)).until(() -> served.size() > before + 100);
            enough.set(true);
            CompletableFuture.allOf(load.toArray(CompletableFuture[]::new)).get(90, TimeUnit.SECONDS);
            assertThat(overlaps).as("clients that were not alone").hasValue(0);
            assertThat(served).extracting(Served::fencingToken).doesNotHaveDuplicates();
            JdbcClient jdbc = JdbcClient.create(servers.standby());
            for (Served told : served) {
                assertThat(jdbc.sql("SELECT status || ' ' || fencing_token FROM run WHERE id = ?")
                                .param(told.run())
                                .query(String.class)
                                .optional())
                        .as("run %d, whose release was answered", told.run())
                        .contains("success " + told.fencingToken());
            }
            assertThat(jdbc.sql("SELECT id FROM run WHERE status NOT IN ('success', 'in_progress', 'queued')")
                            .query(Long.class)
                            .list())
                    .as("runs that were lost")
                    .isEmpty();
            assertThat(first.heartbeat(holder).status()).isEqualTo(200);
            assertThat(first.release(holder).status()).isEqualTo(200);
            for (Answer next : line) {
                assertThat(second.await(next, 30).outcome()).isEqualTo("granted");
                assertThat(second.release(next).status()).isEqualTo(200);
            }
            assertThat(first.integrity().text()).isEqualTo("{\"violations\":[]}");
        }
    }

    private static ServiceProcess replica(PrimaryAndStandby servers) {
        return ServiceProcess.startOn(
                TestDatabase.fresh(), // Not used.
                Map.of(
                        "LOCKKEEPER_DATABASE_URL", servers.url(),
                        "LOCKKEEPER_DATABASE_USER", servers.username(),
                        "LOCKKEEPER_DATABASE_PASSWORD", servers.password(),
                        "LOGGING_LEVEL_ROOT", "info"));
    }

    private List<CompletableFuture<Void>> load(ExecutorService clients, Api first, Api second) {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int number = 0; number < CLIENTS; number++) {
            String environment = "busy-" + number % ENVIRONMENTS;
            Api mine = number % 2 == 0 ? first : second;
            Api other = number % 2 == 0 ? second : first;
            all.add(CompletableFuture.runAsync(
                    () -> {
                        while (!enough.get()) {
                            deploy(environment, mine, other);
                        }
                    },
                    clients));
        }
        return all;
    }

    /** As every client should do it: the same key when the answer did not come. */
    private void deploy(String environment, Api mine, Api other) {
        Answer acquired = mine.call(
                "POST",
                "/api/environments/" + environment + "/acquire",
                "{\"batch\":false}",
                "Idempotency-Key",
                UUID.randomUUID().toString());
        assertThat(acquired.status()).as(acquired.text()).isIn(200, 202);
        Answer granted = acquired;
        while (granted.outcome().equals("queued")) {
            granted = other.await(acquired, 30);
        }
        assertThat(granted.outcome()).as(granted.text()).isEqualTo("granted");
        AtomicInteger here = deploying.computeIfAbsent(environment, any -> new AtomicInteger());
        if (here.incrementAndGet() > 1) {
            overlaps.incrementAndGet();
        }
        Answer heartbeat = mine.heartbeat(acquired);
        assertThat(heartbeat.status()).as(heartbeat.text()).isEqualTo(200);
        here.decrementAndGet();
        Answer released = other.release(acquired);
        assertThat(released.status()).as(released.text()).isEqualTo(200);
        served.add(new Served(
                acquired.runId(), granted.json().path("fencing_token").asLong()));
    }
}
