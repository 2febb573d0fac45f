package io.lockkeeper.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each kind of answer, and each way to give none, says of an environment. */
class ProbeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofSeconds(1);

    private final CountDownLatch over = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
    }

    @AfterEach
    void stop() {
        over.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    @ParameterizedTest
    @CsvSource({
        "200, HEALTHY",
        "204, HEALTHY",
        "400, UNHEALTHY",
        "404, UNHEALTHY",
        "429, DEGRADED",
        "500, UNHEALTHY",
        "502, UNHEALTHY",
        "503, DEGRADED",
    })
    void status_code_decides(int code, Finding.Status expected) {
        server.createContext("/", exchange -> answer(exchange, code));

        Finding finding = new Probe(TIMEOUT).of(url("/health"));

        assertThat(finding.status()).isEqualTo(expected);
        assertThat(finding.detail()).matches("Answered " + code + " in \\d+ ms\\.");
    }

    @Test
    void request_is_a_get_of_the_whole_url_that_says_who_asks() {
        AtomicReference<String> request = new AtomicReference<>("");
        server.createContext("/", exchange -> {
            request.set(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " by "
                    + exchange.getRequestHeaders().getFirst("User-Agent"));
            answer(exchange, 200);
        });

        new Probe(TIMEOUT).of(url("/health?deep=1%202"));

        assertThat(request).hasValue("GET /health?deep=1%202 by lockkeeper");
    }

    @Test
    void redirect_is_not_followed() {
        AtomicInteger followed = new AtomicInteger();
        server.createContext("/elsewhere", exchange -> {
            followed.incrementAndGet();
            answer(exchange, 200);
        });
        server.createContext("/health", exchange -> {
            exchange.getResponseHeaders().set("Location", url("/elsewhere"));
            answer(exchange, 302);
        });

        Finding finding = new Probe(TIMEOUT).of(url("/health"));

        assertThat(finding.status()).isEqualTo(Finding.Status.UNHEALTHY);
        assertThat(finding.detail()).matches("Answered 302 in \\d+ ms\\. Redirects are not followed\\.");
        assertThat(followed).hasValue(0);
    }

    @Test
    void answer_slower_than_half_the_time_out_is_degraded() {
        Duration timeout = Duration.ofSeconds(4);
        server.createContext("/", exchange -> {
            pause(timeout.dividedBy(2));
            answer(exchange, 200);
        });

        Finding finding = new Probe(timeout).of(url("/health"));

        assertThat(finding.status()).isEqualTo(Finding.Status.DEGRADED);
        assertThat(finding.detail()).matches("Answered 200 in \\d+ ms, which is slow\\.");
    }

    @Test
    void no_answer_is_unhealthy_when_the_time_is_up() {
        server.createContext("/", _ -> pause(TIMEOUT));

        assertThat(new Probe(SHORT).of(url("/health")))
                .isEqualTo(Finding.unhealthy("No complete answer within 1 second."));
    }

    @Test
    void answer_that_stops_half_way_is_unhealthy_when_the_time_is_up() {
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 10);
            exchange.getResponseBody().write('x');
            exchange.getResponseBody().flush();
            pause(TIMEOUT);
        });

        assertThat(new Probe(SHORT).of(url("/health")))
                .isEqualTo(Finding.unhealthy("No complete answer within 1 second."));
    }

    @Test
    void server_that_accepts_and_says_nothing_is_unhealthy() throws IOException {
        try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(new Probe(SHORT)
                            .of("http://127.0.0.1:" + silent.getLocalPort() + "/")
                            .status())
                    .isEqualTo(Finding.Status.UNHEALTHY);
        }
    }

    @Test
    void endless_body_is_not_read_to_its_end() {
        CountDownLatch hungUp = new CountDownLatch(1);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            try (var body = exchange.getResponseBody()) {
                while (true) {
                    body.write(new byte[8192]);
                }
            } catch (IOException e) {
                hungUp.countDown();
                throw e;
            }
        });

        assertThat(new Probe(TIMEOUT).of(url("/health")).status()).isEqualTo(Finding.Status.HEALTHY);
        await().until(() -> hungUp.getCount() == 0);
    }

    @Test
    void refused_connection_is_unhealthy() {
        String url = url("/health");
        server.stop(0);

        assertThat(new Probe(TIMEOUT).of(url))
                .isEqualTo(Finding.unhealthy("No connection: it was refused, or the host cannot be reached."));
    }

    @Test
    void unknown_host_is_unhealthy() {
        assertThat(new Probe(TIMEOUT).of("http://nobody.invalid/").status()).isEqualTo(Finding.Status.UNHEALTHY);
    }

    @Test
    void server_without_tls_is_unhealthy_for_https() {
        assertThat(new Probe(TIMEOUT).of(url("/").replace("http:", "https:")).status())
                .isEqualTo(Finding.Status.UNHEALTHY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://169.254.169.254/latest/meta-data/",
                "http://2852039166/",
                "http://[fe80::1]/",
                "http://[::ffff:169.254.169.254]/",
                "http://0.0.0.0/",
                "http://[::]/",
                "http://224.0.0.1/",
                "http://[ff02::1]/",
            })
    void link_local_unspecified_and_multicast_addresses_are_refused(String url) {
        assertThat(new Probe(TIMEOUT).of(url))
                .isEqualTo(
                        Finding.unhealthy(
                                "Not probed: the host leads to a link-local, multicast or unspecified address, and those are refused."));
    }

    @Test
    void url_that_breaks_the_rule_is_not_probed() {
        Finding finding = new Probe(TIMEOUT).of("http://alice:secret@127.0.0.1/");

        assertThat(finding.status()).isEqualTo(Finding.Status.UNHEALTHY);
        assertThat(finding.detail())
                .startsWith("Not probed: the health_url must be")
                .doesNotContain("secret");
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    /** Being slow is what is tested; it ends with the test. */
    private void pause(Duration time) throws IOException {
        try {
            var _ = over.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private static void answer(HttpExchange exchange, int code) throws IOException {
        exchange.sendResponseHeaders(code, -1);
        exchange.close();
    }
}
