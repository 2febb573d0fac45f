package io.lockkeeper.health;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.health.HealthStore.Claim;
import io.lockkeeper.notify.Routine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;

/** Who is probed when, by whom, and what is kept of it. */
@ExtendWith(OutputCaptureExtension.class)
class HealthProberTest {
    private static final HealthProperties PROPERTIES = new HealthProperties(30, 5);
    private static final HealthProperties IMPATIENT = new HealthProperties(30, 1);

    private final Interruptible database =
            new Interruptible(TestDatabase.migrated().dataSource());
    private final JdbcClient jdbc = JdbcClient.create(database);
    private final HealthStore store = new HealthStore(jdbc, new JdbcTransactionManager(database));
    private final HealthProber prober = new HealthProber(store, PROPERTIES);

    private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
    private final AtomicInteger held = new AtomicInteger();
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            asked.computeIfAbsent(exchange.getRequestURI().getPath(), _ -> new AtomicInteger())
                    .incrementAndGet();
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.createContext("/never", _ -> await(over));
        server.createContext("/held", exchange -> {
            held.incrementAndGet();
            await(letGo);
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        over.countDown();
        letGo.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    void environment_with_a_health_url_is_probed_and_one_without_is_not() {
        environment("production", url("/production"));
        environment("web", null);

        prober.round();

        assertThat(row("production").get("status")).isEqualTo("healthy");
        assertThat((String) row("production").get("detail")).matches("Answered 200 in \\d+ ms\\.");
        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void environment_is_due_again_after_an_interval() {
        environment("production", url("/production"));
        prober.round();

        prober.round();
        assertThat(asked.get("/production")).hasValue(1);

        passes(15);
        prober.round();
        assertThat(asked.get("/production")).hasValue(1);

        passes(15);
        prober.round();
        assertThat(asked.get("/production")).hasValue(2);
    }

    @Test
    void two_probers_probe_each_environment_once_per_interval() throws Exception {
        List<String> names =
                IntStream.range(0, 40).mapToObj(number -> "e" + number).toList();
        names.forEach(name -> environment(name, url("/" + name)));
        for (int interval = 1; interval <= 3; interval++) {
            List<Future<?>> rounds = IntStream.range(0, 2)
                    .<Future<?>>mapToObj(_ -> threads.submit(() -> {
                        HealthProber replica = new HealthProber(store, PROPERTIES);
                        while (dueOrUnderWay()) {
                            replica.round();
                        }
                    }))
                    .toList();
            for (Future<?> round : rounds) {
                round.get();
            }
            assertThat(asked).hasSameSizeAs(names);
            int times = interval;
            assertThat(asked).allSatisfy((_, count) -> assertThat(count).hasValue(times));
            passes(30);
        }
    }

    @Test
    void eight_are_probed_at_once() throws Exception {
        for (int i = 0; i < 12; i++) {
            environment("held-" + i, url("/held"));
        }
        Future<?> round = threads.submit(new HealthProber(store, new HealthProperties(60, 30))::round);
        Awaitility.await().until(() -> held.get() == HealthProber.AT_ONCE);
        assertThat(rows()).isEqualTo(HealthProber.AT_ONCE);

        letGo.countDown();
        round.get();

        assertThat(held).hasValue(12);
    }

    @Test
    void urls_that_never_answer_or_are_wrong_do_not_stop_others() {
        for (int i = 0; i < 10; i++) {
            environment("never-" + i, url("/never"));
        }
        environment("wrong", "gopher://example");
        environment("metadata", "http://169.254.169.254/");
        environment("zebra", url("/zebra"));

        new HealthProber(store, IMPATIENT).round();

        assertThat(row("never-0"))
                .containsEntry("status", "unhealthy")
                .containsEntry("detail", "No complete answer within 1 second.");
        assertThat(row("never-9")).containsEntry("status", "unhealthy");
        assertThat(row("wrong")).containsEntry("status", "unhealthy");
        assertThat(row("metadata")).containsEntry("status", "unhealthy");
        assertThat(row("zebra")).containsEntry("status", "healthy");
    }

    @Test
    void result_is_forgotten_with_the_environment_or_its_url() {
        environment("production", url("/production"));
        environment("web", url("/web"));
        environment("worker", url("/worker"));
        prober.round();

        jdbc.sql("DELETE FROM environment WHERE name = 'production'").update();
        jdbc.sql("UPDATE environment SET health_url = NULL WHERE name = 'web'").update();
        prober.round();

        assertThat(jdbc.sql("SELECT environment FROM environment_health")
                        .query(String.class)
                        .list())
                .containsExactly("worker");
    }

    @Test
    void result_is_as_old_as_its_probe_although_another_was_begun_since() {
        environment("production", url("/production"));
        prober.round();
        passes(60);
        Object checkedAt = row("production").get("checked_at");

        store.claim(Duration.ofSeconds(30), 8);

        assertThat(row("production")).containsEntry("checked_at", checkedAt);
    }

    @Test
    void there_is_no_result_before_the_first_probe_ended() {
        environment("production", url("/production"));

        assertThat(store.claim(Duration.ofSeconds(30), 8)).hasSize(1);

        assertThat(row("production"))
                .containsEntry("status", "degraded")
                .containsEntry("detail", "The first probe has not ended yet.");
    }

    @Test
    void late_finding_does_not_overwrite_a_newer_claim() {
        environment("production", url("/production"));
        Claim late = store.claim(Duration.ofSeconds(30), 8).getFirst();
        passes(30);
        Claim newer = store.claim(Duration.ofSeconds(30), 8).getFirst();
        store.store(newer, Finding.healthy("newer"));

        store.store(late, Finding.unhealthy("late"));

        assertThat(row("production")).containsEntry("detail", "newer");
    }

    @Test
    void finding_of_a_url_that_was_replaced_is_not_kept() {
        environment("production", url("/old"));
        Claim old = store.claim(Duration.ofSeconds(30), 8).getFirst();
        jdbc.sql("UPDATE environment SET health_url = 'http://new.example/'").update();

        store.store(old, Finding.healthy("old"));

        assertThat(row("production")).containsEntry("status", "degraded");
    }

    @Test
    void environment_is_not_due_while_its_probe_may_still_take() {
        assertThat(new HealthProperties(5, 30).pause()).isEqualTo(Duration.ofSeconds(32));
        assertThat(new HealthProperties(30, 5).pause()).isEqualTo(Duration.ofSeconds(30));
        assertThat(new HealthProperties(30, 5).staleAfter()).isEqualTo(Duration.ofSeconds(90));
    }

    @Test
    void database_outage_is_said_once_and_so_is_its_end(CapturedOutput output) {
        environment("production", url("/production"));
        database.away = true;
        try (Routine routine = new Routine("health prober", Duration.ofMillis(10), prober::round)) {
            routine.start();
            Awaitility.await().until(() -> database.refused.get() >= 5);
            database.away = false;
            Awaitility.await().until(() -> asked.containsKey("/production"));
            Awaitility.await().until(() -> output.getOut().contains("The health prober works again."));
        }

        assertThat(output.getOut()).containsOnlyOnce("The health prober failed");
        assertThat(row("production")).containsEntry("status", "healthy");
    }

    @Test
    void finding_outlives_an_outage_of_the_database() {
        environment("production", url("/production"));
        server.createContext("/production", exchange -> {
            database.away = true;
            exchange.sendResponseHeaders(500, -1);
            exchange.close();
        });
        try (Routine routine = new Routine("health prober", Duration.ofMillis(10), prober::round)) {
            routine.start();
            Awaitility.await().until(() -> database.refused.get() >= 3);
            database.away = false;
            Awaitility.await().until(() -> "unhealthy".equals(row("production").get("status")));
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void environment(String name, @Nullable String url) {
        jdbc.sql("INSERT INTO lock_group (name) VALUES (:name)")
                .param("name", name)
                .update();
        jdbc.sql(
                        "INSERT INTO environment (name, lock_group, created_at, health_url) VALUES (:name, :name, now(), :url)")
                .param("name", name)
                .param("url", url)
                .update();
    }

    private void passes(int seconds) {
        jdbc.sql(
                        "UPDATE environment_health SET checked_at = checked_at - make_interval(secs => :seconds), claimed_at = claimed_at - make_interval(secs => :seconds)")
                .param("seconds", seconds)
                .update();
    }

    private boolean dueOrUnderWay() {
        return jdbc.sql("""
                        SELECT EXISTS (
                            SELECT FROM environment e
                            LEFT JOIN environment_health h ON h.environment = e.name
                            WHERE h.status IS DISTINCT FROM 'healthy' OR h.checked_at <= now() - make_interval(secs => 30))""").query(Boolean.class).single();
    }

    private Map<String, @Nullable Object> row(String environment) {
        return jdbc.sql("SELECT status, detail, checked_at FROM environment_health WHERE environment = :environment")
                .param("environment", environment)
                .query()
                .singleRow();
    }

    private int rows() {
        return jdbc.sql("SELECT count(*) FROM environment_health")
                .query(Integer.class)
                .single();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    /** A database that can be away. */
    private static final class Interruptible extends DelegatingDataSource {
        private final AtomicInteger refused = new AtomicInteger();
        private volatile boolean away;

        Interruptible(javax.sql.DataSource target) {
            super(target);
        }

        @Override
        public Connection getConnection() throws SQLException {
            if (away) {
                refused.incrementAndGet();
                throw new SQLException("the database is away", "08001");
            }
            return super.getConnection();
        }
    }
}
