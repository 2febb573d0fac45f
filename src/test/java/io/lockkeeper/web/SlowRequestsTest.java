package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Alone;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that send a byte now and then, each well before a timeout that begins anew with every byte. */
@Alone
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SlowRequestsTest {

    private static final String TOKEN = "Host: localhost\r\nAuthorization: Bearer " + EdgeServer.TOKEN + "\r\n";

    private EdgeServer server;

    @BeforeAll
    void start() {
        server = EdgeServer.start(
                "--server.tomcat.connection-timeout=1s",
                "--server.tomcat.keep-alive-timeout=20s",
                "--lockkeeper.limits.requests-per-second=0");
    }

    @AfterAll
    void stop() {
        server.close();
    }

    /** A connection that trickles. */
    private final class Trickle implements AutoCloseable {
        private final Socket socket;

        Trickle(String begin) {
            try {
                socket = new Socket("localhost", server.port());
                socket.setSoTimeout(100);
                write(begin);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void write(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        /** Sends one more byte and then looks for what comes back, for a tenth of a second; true when the connection is closed. */
        boolean isCutOff(StringBuilder answer) {
            try {
                write("x");
                int read = socket.getInputStream().read();
                while (read >= 0) {
                    answer.append((char) read);
                    read = socket.getInputStream().read();
                }
                return true;
            } catch (java.net.SocketTimeoutException e) {
                return false;
            } catch (SocketException e) {
                return true;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** What came back before the end. */
        String awaitEnd() {
            var answer = new StringBuilder();
            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> isCutOff(answer));
            return answer.toString();
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /api/try/", "GET /api/try/runs/1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "})
    void trickling_request_line_or_header_is_cut_off(String begin) {
        try (var trickle = new Trickle(begin)) {
            assertThat(trickle.awaitEnd()).doesNotContain("200");
        }
    }

    @Test
    void trickling_header_of_a_second_request_is_cut_off() {
        try (var trickle = new Trickle("GET /api/try/runs/1 HTTP/1.1\r\n" + TOKEN + "\r\nGET /api/try/")) {
            assertThat(trickle.awaitEnd()).startsWith("HTTP/1.1 200").containsOnlyOnce("HTTP/1.1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 60000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1000\r\n{"})
    void trickling_body_is_refused_and_cut_off(String body) {
        try (var trickle = new Trickle("POST /api/try/release HTTP/1.1\r\n" + TOKEN
                + "Content-Type: application/json\r\n" + body + "\"status\":\"")) {
            assertThat(trickle.awaitEnd()).startsWith("HTTP/1.1 408").contains("\"code\":\"request-timeout\"");
        }
    }

    /** The answer comes at once; what is cut off is the rest of a body that nobody will read. */
    @Test
    void trickling_body_of_a_refused_request_is_cut_off() {
        try (var trickle =
                new Trickle("POST /api/try/release HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{")) {
            assertThat(trickle.awaitEnd()).startsWith("HTTP/1.1 401").contains("unauthorized");
        }
    }

    @Test
    void trickling_body_of_a_request_that_tomcat_refuses_is_cut_off() {
        try (var trickle =
                new Trickle("POST /api/try/a%2Fb HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{")) {
            trickle.awaitEnd();
        }
    }

    @Test
    void others_are_served_meanwhile() throws Exception {
        List<Trickle> trickles = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                trickles.add(new Trickle("POST /api/try/release HTTP/1.1\r\n" + TOKEN
                        + "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"));
            }
            for (int i = 0; i < 200; i++) {
                assertThat(server.postJson("/api/try/release", "{\"status\":\"success\"}")
                                .status())
                        .isEqualTo(200);
            }
        } finally {
            trickles.forEach(Trickle::close);
        }
    }

    @Test
    void body_in_pieces_is_read_and_the_connection_goes_on() throws Exception {
        try (var socket = new Socket("localhost", server.port())) {
            socket.setSoTimeout(10_000);
            for (int i = 0; i < 3; i++) {
                var out = socket.getOutputStream();
                out.write(("POST /api/try/release HTTP/1.1\r\n" + TOKEN
                                + "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
                out.flush();
                out.write("{\"status\":".getBytes(StandardCharsets.US_ASCII));
                out.flush();
                out.write("\"success\"".substring(0, 9).getBytes(StandardCharsets.US_ASCII));
                out.write('}');
                out.flush();
                assertThat(answerOf(socket)).startsWith("HTTP/1.1 200");
            }
        }
    }

    /** Reads a whole answer with a length or in chunks. */
    private static String answerOf(Socket socket) throws IOException {
        var answer = new StringBuilder();
        while (!answer.toString().endsWith("\r\n0\r\n\r\n")
                && !answer.toString().contains("\r\n\r\n{")) {
            answer.append((char) socket.getInputStream().read());
        }
        while (!answer.toString().endsWith("}")
                && answer.toString().toLowerCase(java.util.Locale.ROOT).contains("content-length")) {
            answer.append((char) socket.getInputStream().read());
        }
        while (answer.toString().toLowerCase(java.util.Locale.ROOT).contains("chunked")
                && !answer.toString().endsWith("\r\n0\r\n\r\n")) {
            answer.append((char) socket.getInputStream().read());
        }
        return answer.toString();
    }
}
