package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Alone;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Many calls that wait cost little, and too many are refused. */
@Alone
class ParkedCallsIT {
    private static final int PARKED = 5_000;

    @Test
    void five_thousand_parked_calls_exhaust_neither_threads_nor_connections_nor_a_gigabyte_of_heap() throws Exception {
        // Started with -Xmx1g; an OutOfMemoryError would end it.
        try (ServiceProcess service = ServiceProcess.startOn(
                        TestDatabase.migrated(),
                        ServiceProcess.QUIETLY,
                        "--lockkeeper.limits.waiting-calls=" + PARKED,
                        "--lockkeeper.limits.requests-per-second=0");
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Api api = new Api(service.url(), service.adminToken());
            JdbcClient jdbc = JdbcClient.create(service.database().dataSource());
            Answer holder = api.acquire("parking", "{}");
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < PARKED; i++) {
                answers.add(threads.submit(() -> parkedCall(service, holder.runId())));
            }
            // Every call is inside once the waiting room is that full; the service tells by refusing nobody and holding
            // the connections.
            await(() -> establishedConnections(service) >= PARKED);

            assertThat(entries(service, "task"))
                    .as("threads of the operating system")
                    .isLessThan(100);
            assertThat(jdbc.sql(
                                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                            .query(Integer.class)
                            .single())
                    .as("database connections: the pool and the listener")
                    .isLessThanOrEqualTo(11);
            Answer other = api.acquire("elsewhere", "{}");
            assertThat(api.heartbeat(other).status()).isEqualTo(200);
            assertThat(api.release(other).status()).isEqualTo(200);

            assertThat(api.release(holder).status()).isEqualTo(200);
            for (Future<String> answer : answers) {
                assertThat(answer.get()).startsWith("HTTP/1.1 200");
            }
            assertThat(service.log()).doesNotContain("OutOfMemoryError");
        }
    }

    @Test
    void one_call_too_many_is_told_to_come_back() throws Exception {
        try (ServiceProcess service = ServiceProcess.start("--lockkeeper.limits.waiting-calls-total=1");
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Api api = new Api(service.url(), service.adminToken());
            JdbcClient jdbc = JdbcClient.create(service.database().dataSource());
            Answer holder = api.acquire("full", "{}");
            Answer waiter = api.acquire("full", "{}");
            Future<Answer> parked = threads.submit(() -> api.await(waiter, 60));
            await(() -> jdbc.sql("SELECT last_contact_at > created_at FROM run WHERE id = ?")
                    .param(waiter.runId())
                    .query(Boolean.class)
                    .single());

            Answer refused = api.call("GET", "/api/runs/" + holder.runId() + "?until=ended&wait_seconds=60", null);
            Answer stream = api.call("GET", "/api/admin/events", null);
            Answer queued = api.acquire("full", "{\"wait_seconds\":60}");

            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.code()).isEqualTo("too-many-waiting");
            assertThat(refused.header("Retry-After")).isEqualTo("5");
            assertThat(stream.status()).isEqualTo(429);
            assertThat(stream.code()).isEqualTo("too-many-waiting");
            assertThat(api.look(holder.runId()).status())
                    .as("a call that does not wait")
                    .isEqualTo(200);
            assertThat(queued.outcome())
                    .as("an acquire is queued, and told at once")
                    .isEqualTo("queued");
            api.release(holder);
            assertThat(parked.get().outcome()).isEqualTo("granted");
        }
    }

    @Test
    void one_token_leaves_room_for_the_calls_of_others() throws Exception {
        try (ServiceProcess service = ServiceProcess.start("--lockkeeper.limits.waiting-calls=1");
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Api admin = new Api(service.url(), service.adminToken());
            Api other = new Api(
                    service.url(),
                    admin.call("POST", "/api/admin/tokens", "{\"name\":\"other\",\"role\":\"deploy\"}")
                            .json()
                            .path("token")
                            .asString());
            Answer holder = admin.acquire("shared", "{}");
            String lock = "/api/environments/shared/lock?wait_seconds=60";
            List<Future<Answer>> calls = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                calls.add(threads.submit(() -> admin.call("GET", lock, null)));
            }
            await(() -> calls.stream().anyMatch(Future::isDone));
            calls.add(threads.submit(() -> other.call("GET", lock, null)));
            Answer refused = calls.stream()
                    .filter(Future::isDone)
                    .findFirst()
                    .orElseThrow()
                    .get();

            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.code()).isEqualTo("too-many-waiting");
            assertThat(refused.header("Retry-After")).isEqualTo("5");
            assertThat(refused.text()).contains("of yours");
            assertThat(admin.heartbeat(holder).status()).isEqualTo(200);
            admin.release(holder);
            for (Future<Answer> call : calls) {
                assertThat(call.get().status()).isIn(200, 429);
            }
            assertThat(calls.getLast().get().status()).as("of the other token").isEqualTo(200);
            assertThat(calls.stream().filter(call -> call.resultNow().status() == 200))
                    .hasSize(2);
        }
    }

    /** One call on a socket of its own, as cheap as a client can be; answers the status line. */
    private static String parkedCall(ServiceProcess service, long run) throws IOException {
        try (Socket socket = new Socket("localhost", service.port())) {
            socket.getOutputStream()
                    .write(("GET /api/runs/" + run + "?wait_seconds=60&until=ended HTTP/1.1\r\nHost: localhost\r\n"
                                    + "Authorization: Bearer " + service.adminToken() + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            BufferedReader answer =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 512);
            return String.valueOf(answer.readLine());
        }
    }

    /** Less than the calls wait. */
    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(50)).until(condition);
    }

    private static long establishedConnections(ServiceProcess service) throws IOException {
        return entries(service, "fd");
    }

    private static long entries(ServiceProcess service, String what) throws IOException {
        try (var entries =
                Files.list(Path.of("/proc", Long.toString(service.handle().pid()), what))) {
            return entries.count();
        }
    }
}
