package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.Alone;
import io.lockkeeper.CountingProxy;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** What many open pages cost, and that they leave nothing behind. */
@Alone
class OpenPagesIT {
    private static final int PAGES = 200;
    private static final int CHANGES = 10;
    private static final String ESTABLISHED = "01";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** One open page: what it shows now. */
    private static final class OpenPage implements AutoCloseable {
        private final PageSession session;
        private volatile String shown = "";

        OpenPage(PageSession session, String path) {
            this.session = session;
            Thread.ofVirtual().start(() -> read(path));
        }

        private void read(String path) {
            try (var lines = new BufferedReader(new InputStreamReader(session.stream(path), StandardCharsets.UTF_8))) {
                var message = new StringBuilder();
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("data:")) {
                        message.append(line);
                    } else if (line.isEmpty() && !message.isEmpty()) {
                        // A sign of life has nothing to show.
                        shown = message.indexOf("<") < 0 ? shown : message.toString();
                        message.setLength(0);
                    }
                }
                shown = "at its end";
            } catch (IOException | RuntimeException e) {
                shown = "closed: " + e;
            }
        }

        @Override
        public void close() {
            session.close();
        }
    }

    @Test
    void two_hundred_open_pages_cost_the_database_what_a_few_cost_and_leave_nothing_when_closed() throws IOException {
        TestDatabase database = TestDatabase.migrated();
        int port = URI.create(database.jdbcUrl().substring("jdbc:".length())).getPort();
        try (CountingProxy proxy = new CountingProxy(port);
                ServiceProcess service = ServiceProcess.startThrough(proxy.port(), database)) {
            Api api = new Api(service.url(), service.adminToken());
            api.release(api.acquire("shop", "{}"));

            double few = costOfAChange(service, api, proxy, 2);
            double many = costOfAChange(service, api, proxy, PAGES);

            System.out.printf(
                    "Database round trips of a change: %.1f with 2 open pages, %.1f with %d%n", few, many, PAGES);
            assertThat(many).isLessThan(few + PAGES / 4.0);
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(openConnections(service))
                            .as("connections to the service")
                            .isLessThan(10));
        }
    }

    /** Database round trips for each of some changes that all open pages show, less what goes on anyway. */
    private static double costOfAChange(ServiceProcess service, Api api, CountingProxy proxy, int count) {
        List<OpenPage> pages = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                pages.add(
                        new OpenPage(PageSession.logIn(service.url(), service.adminToken()), "/live?environment=shop"));
            }
            awaitAll(pages, "The lock is free");

            long start = proxy.roundTrips();
            long began = System.nanoTime();
            LockSupport.parkNanos(
                    Duration.ofSeconds(5).toNanos()); // A measurement of what goes on when nothing happens.
            double idlePerNano = (double) (proxy.roundTrips() - start) / (System.nanoTime() - began);

            start = proxy.roundTrips();
            began = System.nanoTime();
            for (int i = 0; i < CHANGES; i++) {
                Answer held = api.acquire("shop", "{\"title\": \"change " + i + " of " + count + "\"}");
                String title = "change " + i + " of " + count;
                awaitAll(pages, title);
                api.release(held);
                awaitAll(pages, "The lock is free");
            }
            double idle = idlePerNano * (System.nanoTime() - began);
            return (proxy.roundTrips() - start - idle) / (2.0 * CHANGES);
        } finally {
            pages.forEach(OpenPage::close);
        }
    }

    private static void awaitAll(List<OpenPage> pages, String text) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(
                        () -> assertThat(pages.stream().map(page -> page.shown).filter(shown -> !shown.contains(text)))
                                .as("pages that do not show: " + text)
                                .isEmpty());
    }

    /** As the kernel of Linux lists them; none on a system that has no such list. */
    private static long openConnections(ServiceProcess service) {
        String port = ":%04X".formatted(service.port());
        long open = 0;
        for (Path table : List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6"))) {
            try {
                open += Files.readAllLines(table).stream()
                        .map(line -> List.of(line.strip().split("\\s+", -1)))
                        .filter(columns ->
                                columns.get(1).endsWith(port) && columns.get(3).equals(ESTABLISHED))
                        .count();
            } catch (IOException e) {
                assertThat(table).doesNotExist();
            }
        }
        return open;
    }
}
