package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Two replicas behind a load balancer are restarted one after the other while clients deploy. Nobody notices. */
class RollingRestartIT {
    private static final int ENVIRONMENTS = 3;
    private static final int CLIENTS = 24;
    private static final int SHELL_CLIENTS = 3;
    private static final int HEARTBEATS = 3;
    private static final int WAITERS = 4;
    private static final int LONGEST_WAIT_SECONDS = 60;
    private static final int ROUNDS = 2;
    private static final String[] SETTINGS = {
        ServiceProcess.QUIETLY,
        "--lockkeeper.shutdown.drain-seconds=2",
        "--logging.level.org.springframework.boot.tomcat=info"
    };
    /** That of a process which ends because of SIGTERM: 128 and its number. */
    private static final int TERMINATED = 143;

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final AtomicBoolean enough = new AtomicBoolean();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> holders = new ConcurrentHashMap<>();
    private final AtomicInteger deployments = new AtomicInteger();
    private final AtomicInteger parkedAnswers = new AtomicInteger();

    @TempDir
    Path directory;

    @Test
    void rolling_restart_under_load_loses_no_wait_no_heartbeat_and_no_lock() throws Exception {
        List<ServiceProcess> replicas = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            replicas.add(ServiceProcess.startOn(database, SETTINGS));
        }
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        try (LoadBalancer balancer = new LoadBalancer(replicas)) {
            Api api = new Api(balancer.url(), replicas.getFirst().adminToken());
            List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                String environment = "rolling-" + i % ENVIRONMENTS;
                clients.add(threads.submit(() -> deployAgainAndAgain(api, environment)));
            }
            for (int i = 0; i < SHELL_CLIENTS; i++) {
                int number = i;
                clients.add(threads.submit(() -> deployWithTheShellClient(balancer, replicas, number)));
            }
            Answer standing = api.acquire("standing", "{}");
            for (int position = 1; position <= WAITERS; position++) {
                int place = position;
                Answer waiter = expect(api.acquire("standing", "{\"batch\":false}"), 202);
                clients.add(threads.submit(() -> waitInPlace(api, waiter, place)));
            }
            for (int restart = 0; restart < ROUNDS * replicas.size(); restart++) {
                ServiceProcess old = replicas.get(restart % replicas.size());
                awaitProgress(balancer, old);

                old.stop();

                assertThat(old.exitStatus()).isEqualTo(TERMINATED);
                assertThat(old.log())
                        .contains("Graceful shutdown complete")
                        .doesNotContain(" ERROR ")
                        .doesNotContain("Graceful shutdown aborted");
                replicas.set(restart % replicas.size(), old.restart());
                await().until(() -> balancer.readyReplicas() == replicas.size());
            }
            awaitProgress(balancer, replicas.getLast());
            enough.set(true);
            expect(api.heartbeat(standing), 200);
            expect(api.release(standing), 200);
            deployments.incrementAndGet();
            for (Future<?> client : clients) {
                client.get(60, TimeUnit.SECONDS);
            }

            assertThat(faults).as("what any client met that was not to be").isEmpty();
            assertThat(parkedAnswers)
                    .as("answers to calls that wait for what is not granted: each stop of a replica gives some")
                    .hasValueGreaterThanOrEqualTo(WAITERS);
            assertThat(deployments.get()).isEqualTo(count("SELECT count(*) FROM run WHERE status = 'success'"));
            assertThat(count("SELECT count(*) FROM run WHERE status <> 'success'"))
                    .as("runs that ended otherwise")
                    .isZero();
            assertThat(count("""
                    SELECT count(*)
                    FROM (SELECT r.id, r.granted_at,
                                 lag(r.completed_at) OVER grants AS freed_at,
                                 lag(r.id) OVER grants AS before
                          FROM claim c JOIN run r ON r.id = c.run_id
                          WINDOW grants AS (PARTITION BY c.lock_group ORDER BY r.fencing_token)) AS grants
                    WHERE granted_at < freed_at OR id < before"""))
                    .as("runs granted before the lock was free, or out of order")
                    .isZero();
            assertThat(api.integrity().text()).isEqualTo("{\"violations\":[]}");
        } finally {
            threads.shutdownNow(); // After a failure there are clients that would go on.
            replicas.forEach(ServiceProcess::close);
        }
    }

    /** Deployments go on, and some of the calls that wait do so at this replica. */
    private void awaitProgress(LoadBalancer balancer, ServiceProcess replica) {
        int deployed = deployments.get();
        int connected = balancer.connectionsTo(replica);
        await().atMost(Duration.ofSeconds(60))
                .until(() -> !faults.isEmpty()
                        || (deployments.get() > deployed + CLIENTS
                                && balancer.connectionsTo(replica) >= connected + ENVIRONMENTS));
        assertThat(faults).as("what any client met that was not to be").isEmpty();
    }

    /** Acquires, waits, heartbeats and releases until it is enough. Whatever goes otherwise than without a restart is a fault. */
    private void deployAgainAndAgain(Api api, String environment) {
        AtomicInteger inside = holders.computeIfAbsent(environment, name -> new AtomicInteger());
        try {
            while (!enough.get() && faults.isEmpty()) {
                Answer acquired = expect(api.acquire(environment, "{\"batch\":false,\"lease_seconds\":30}"), 200, 202);
                Answer answer = acquired;
                while (answer.outcome().equals("queued")) {
                    answer = expect(api.await(acquired, LONGEST_WAIT_SECONDS), 200);
                }
                if (!answer.outcome().equals("granted") || inside.incrementAndGet() != 1) {
                    faults.add(environment + ", " + inside + " inside: " + answer.text());
                }
                for (int i = 0; i < HEARTBEATS; i++) {
                    expect(api.heartbeat(acquired), 200);
                }
                inside.decrementAndGet();
                expect(api.release(acquired), 200);
                deployments.incrementAndGet();
            }
        } catch (RuntimeException e) {
            faults.add(environment + ": " + e + " caused by " + e.getCause());
        }
    }

    /** Waits for a lock that is held all along, in call after call, and is at the same place each time. */
    private void waitInPlace(Api api, Answer acquired, int place) {
        try {
            Answer answer = acquired;
            while (answer.outcome().equals("queued") && faults.isEmpty()) {
                int position = answer.json().path("run").path("position").asInt();
                if (position != place && !enough.get()) {
                    faults.add("waits at position " + position + " instead of " + place);
                }
                answer = expect(api.await(acquired, LONGEST_WAIT_SECONDS), 200);
                parkedAnswers.incrementAndGet();
            }
            expect(api.release(acquired), 200);
            deployments.incrementAndGet();
        } catch (RuntimeException e) {
            faults.add("waiting at place " + place + ": " + e + " caused by " + e.getCause());
        }
    }

    private Answer expect(Answer answer, Integer... statuses) {
        if (!List.of(statuses).contains(answer.status())) {
            faults.add(answer.response().request().uri() + " answered " + answer.status() + " " + answer.text());
        }
        return answer;
    }

    private void deployWithTheShellClient(LoadBalancer balancer, List<ServiceProcess> replicas, int number) {
        try {
            while (!enough.get() && faults.isEmpty()) {
                Path said = directory.resolve("shell-" + number);
                ProcessBuilder builder = new ProcessBuilder(
                        "sh", "clients/shell/lockkeeper", "run", "--no-batch", "rolling-" + number, "--", "true");
                builder.environment().put("LOCKKEEPER_URL", balancer.url().toString());
                builder.environment()
                        .put("LOCKKEEPER_TOKEN", replicas.getFirst().adminToken());
                Process process = builder.redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
                if (!process.waitFor(60, TimeUnit.SECONDS)
                        || process.exitValue() != 0
                        || Files.readString(said).lines().anyMatch(RollingRestartIT::tellsOfABrokenCall)) {
                    faults.add("shell client: " + Files.readString(said));
                    process.destroy();
                }
                deployments.incrementAndGet();
            }
        } catch (IOException | InterruptedException e) {
            faults.add("shell client: " + e);
        }
    }

    /** On a machine with too much to do, an answer may take longer than the client's five seconds; that is no restart's fault. */
    private static boolean tellsOfABrokenCall(String line) {
        return line.contains("trying again") && !line.contains("timed out");
    }

    private int count(String sql) {
        return jdbc.sql(sql).query(Integer.class).single();
    }
}
