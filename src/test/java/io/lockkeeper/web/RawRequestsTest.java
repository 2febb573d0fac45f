package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.web.EdgeServer.Answer;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What no HTTP library sends, and what is refused before or beside the handlers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RawRequestsTest {

    private static final String HEADERS =
            "Host: localhost\r\nAuthorization: Bearer " + EdgeServer.TOKEN + "\r\nConnection: close\r\n";

    private EdgeServer server;

    @BeforeAll
    void start() {
        server = EdgeServer.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private static void assertInvalidRequest(Answer answer) {
        assertThat(answer.body()).doesNotContain("<html", "Tomcat", "java.", "Exception");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.code()).isEqualTo("invalid-request");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /api/try/a%2Fb HTTP/1.1",
                "GET /api/try/a%2fb HTTP/1.1",
                "GET /api/try/a%5Cb HTTP/1.1",
                "GET /api/try/%zz HTTP/1.1",
                "GET /api/try/% HTTP/1.1",
                "GET /api/try/%00 HTTP/1.1",
                "GET /api/try/%FF HTTP/1.1",
                "GET /api/try/\u00e9 HTTP/1.1",
                "GET /api/try/<script> HTTP/1.1",
                "GET /api/try/{x} HTTP/1.1",
                "GET /../../etc/passwd HTTP/1.1",
                "GET api/try HTTP/1.1",
                "GET /api/try HTTP/7.7",
                "CONNECT /api/try HTTP/1.1"
            })
    void what_tomcat_refuses_by_itself_is_a_problem_too(String requestLine) {
        assertInvalidRequest(server.raw(requestLine + "\r\n" + HEADERS + "\r\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a%2Fb", "a%5Cb", "%00", "%zz", "a;b", "a//b"})
    void what_cannot_be_in_a_name_is_refused_naming_the_path(String name) {
        assertThat(server.raw("GET /api/try/" + name + " HTTP/1.1\r\n" + HEADERS + "\r\n")
                        .body())
                .contains("\"field\":\"path\"");
    }

    /** Tomcat takes a line that names no version of HTTP for version 0.9, whose answers are a body alone. */
    @ParameterizedTest
    @ValueSource(strings = {"GET /api/try/a%2Fb", "GE(T /api/try HTTP/1.1", "complete nonsense", "\u0016\u0003\u0001"})
    void even_what_is_not_http_gets_a_problem(String line) throws IOException {
        try (var socket = new Socket("localhost", server.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write((line + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            var body = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(body).contains("\"code\":\"invalid-request\"").doesNotContain("<html", "Tomcat");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api//try",
                "/api/try;x=1/runs",
                "/api/./try",
                "/api/../api/try",
                "/api/try/%25",
                "/api/try/a%0Ab",
                "/api/try/%2e%2e/x",
                "/api/try/%3b"
            })
    void an_ambiguous_path_is_refused_by_name(String path) {
        var answer = server.raw("GET " + path + " HTTP/1.1\r\n" + HEADERS + "\r\n");
        assertInvalidRequest(answer);
        assertThat(EdgeServer.field(answer)).contains("path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait_seconds=%zz", "wait_seconds=%", "wait_seconds=%FF", "=1", "&=&"})
    void parameters_that_cannot_be_read_are_refused(String parameters) {
        assertInvalidRequest(server.raw("GET /api/try/runs/1?" + parameters + " HTTP/1.1\r\n" + HEADERS + "\r\n"));
    }

    @Test
    void trace_is_not_allowed() {
        var answer = server.raw("TRACE /api/try/runs/1 HTTP/1.1\r\n" + HEADERS + "\r\n");
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.code()).isEqualTo("method-not-allowed");
    }

    @Test
    void headers_that_are_too_large_are_refused() {
        assertInvalidRequest(server.raw(
                "GET /api/try/runs/1 HTTP/1.1\r\n" + HEADERS + "X-Large: " + "x".repeat(20_000) + "\r\n\r\n"));
        assertInvalidRequest(
                server.raw("GET /api/try/runs/1?" + "x".repeat(20_000) + " HTTP/1.1\r\n" + HEADERS + "\r\n"));
    }

    @Test
    void a_header_with_a_control_character_is_refused() {
        assertInvalidRequest(server.raw("GET /api/try/runs/1 HTTP/1.1\r\n" + HEADERS + "Lock-Token: a\u0007b\r\n\r\n"));
    }

    @Test
    void two_lengths_and_unknown_transfer_codings_are_refused() {
        assertInvalidRequest(server.raw(
                "POST /api/try/release HTTP/1.1\r\n" + HEADERS + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"));
        assertInvalidRequest(
                server.raw("POST /api/try/release HTTP/1.1\r\n" + HEADERS + "Transfer-Encoding: magic\r\n\r\n{}"));
        assertInvalidRequest(server.raw("POST /api/try/release HTTP/1.1\r\n" + HEADERS + "Content-Length: -1\r\n\r\n"));
    }

    @Test
    void a_client_that_prefers_text_gets_it_from_tomcat_too() {
        var answer = server.raw("GET /api/try/a%2Fb HTTP/1.1\r\nAccept: text/plain\r\n" + HEADERS + "\r\n");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).startsWith("outcome=error\ncode=invalid-request\ndetail=");
    }

    @Test
    void ten_megabytes_with_a_length_get_their_answer_and_not_a_reset() throws IOException {
        try (var socket = new Socket("localhost", server.port())) {
            socket.setSoTimeout(20_000);
            var out = socket.getOutputStream();
            out.write(("POST /api/try/release HTTP/1.1\r\n" + HEADERS
                            + "Content-Type: application/json\r\nContent-Length: 10485760\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            for (var i = 0; i < 160; i++) {
                out.write(new byte[64 * 1024]);
            }
            out.flush();
            assertTooLarge(EdgeServer.read(socket.getInputStream()));
        }
    }

    @Test
    void ten_megabytes_in_chunks_get_their_answer_and_not_a_reset() throws IOException {
        try (var socket = new Socket("localhost", server.port())) {
            socket.setSoTimeout(20_000);
            var out = socket.getOutputStream();
            out.write(("POST /api/try/release HTTP/1.1\r\n" + HEADERS
                            + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            var spaces = " ".repeat(0x10000).getBytes(StandardCharsets.US_ASCII);
            for (var i = 0; i < 160; i++) {
                out.write("10000\r\n".getBytes(StandardCharsets.US_ASCII));
                out.write(spaces);
                out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
            }
            out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.flush();
            assertTooLarge(EdgeServer.read(socket.getInputStream()));
        }
    }

    private static void assertTooLarge(Answer answer) {
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.code()).isEqualTo("body-too-large");
        assertThat(answer.json().path("limit_bytes").asInt()).isEqualTo(65536);
    }
}
