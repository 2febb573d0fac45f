package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.web.EdgeServer.Answer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every refusal is problem details with a documented code, whoever refuses. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusalsTest {

    private EdgeServer server;

    @BeforeAll
    void start() {
        server = EdgeServer.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private static void assertProblem(Answer answer, ProblemType type) {
        assertThat(answer.body()).doesNotContain("secret", "Exception", "java.", "<html");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.code()).isEqualTo(type.code());
        assertThat(answer.status()).isEqualTo(type.status());
        var json = answer.json();
        assertThat(json.path("status").asInt()).isEqualTo(type.status());
        assertThat(json.path("title").asString()).isEqualTo(type.title());
        assertThat(json.path("type").asString()).isEqualTo("urn:lockkeeper:problem:" + type.code());
        assertThat(json.path("detail").asString()).isNotBlank().endsWith(".");
    }

    @Test
    void a_problem_carries_its_typed_members_in_order_with_nulls() {
        var answer = server.get("/api/try/held");
        assertProblem(answer, ProblemType.LOCK_HELD);
        assertThat(answer.body())
                .isEqualTo(
                        "{\"type\":\"urn:lockkeeper:problem:lock-held\",\"title\":\"The lock is held\",\"status\":409,"
                                + "\"detail\":\"Try later.\",\"code\":\"lock-held\",\"instance\":\"/api/try/held\","
                                + "\"holder\":{\"name\":\"alice\"},\"since\":\"2026-02-13T10:30:45Z\",\"run_url\":null}");
    }

    @Test
    void an_unknown_path_is_not_found() {
        assertProblem(server.get("/api/nothing"), ProblemType.NOT_FOUND);
        assertProblem(server.get("/api/try/runs/1/"), ProblemType.NOT_FOUND);
        assertProblem(server.get("/error"), ProblemType.NOT_FOUND);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PUT", "DELETE", "PATCH", "LOCK", "INVENTED"})
    void a_wrong_method_is_told_which_are_right(String method) {
        var answer = server.call(method, "/api/try/runs/1", null);
        assertProblem(answer, ProblemType.METHOD_NOT_ALLOWED);
        assertThat(answer.header("Allow")).isEqualTo("GET");
    }

    @Test
    void an_accept_header_that_cannot_be_met_is_refused_with_the_choice() {
        var answer = server.get("/api/try/runs/1", "Accept", "image/png");
        assertProblem(answer, ProblemType.NOT_ACCEPTABLE);
        assertThat(answer.json().path("detail").asString()).contains("application/json");
        assertProblem(server.get("/api/try/runs/1", "Accept", "nonsense"), ProblemType.NOT_ACCEPTABLE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"*/*", "application/*", "application/*+json", "text/plain"})
    void a_body_that_is_not_said_to_be_json_is_refused(String type) {
        assertProblem(
                server.call("POST", "/api/try/release", "{}", "Content-Type", type),
                ProblemType.UNSUPPORTED_MEDIA_TYPE);
    }

    @ParameterizedTest
    @CsvSource({
        "/api/try/runs/abc, id, id must be a whole number.",
        "/api/try/runs/99999999999999999999, id, id must be a whole number.",
        "/api/try/runs/1?wait_seconds=soon, wait_seconds, wait_seconds must be a whole number.",
        "/api/try/runs/1?wait_seconds=61, wait_seconds, wait_seconds must be between 0 and 60 seconds.",
        "/api/try/runs/1?wait_seconds=-1, wait_seconds, wait_seconds must be between 0 and 60 seconds.",
        "/api/try/required, name, The parameter name is required.",
        "/api/try/required?name=x, Lock-Token, The header Lock-Token is required.",
    })
    void a_parameter_is_named_with_what_it_must_be(String path, String field, String detail) {
        var answer = server.get(path);
        assertProblem(answer, ProblemType.INVALID_REQUEST);
        assertThat(EdgeServer.field(answer)).contains(field);
        assertThat(answer.json().path("detail").asString()).isEqualTo(detail);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Production",
                "-production",
                "production-",
                "a b",
                "%C3%BC",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            })
    void an_impossible_name_of_an_environment_is_refused(String name) {
        var answer = server.postJson("/api/try/" + name.replace(" ", "%20") + "/acquire", "{}");
        assertProblem(answer, ProblemType.INVALID_REQUEST);
        assertThat(EdgeServer.field(answer)).contains("environment");
    }

    @Test
    void a_name_with_64_characters_is_accepted() {
        assertThat(server.postJson("/api/try/" + "a".repeat(64) + "/acquire", "{}")
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({
        "400, invalid-request",
        "404, not-found",
        "405, method-not-allowed",
        "413, body-too-large",
        "418, invalid-request",
        "500, internal-error",
        "502, internal-error"
    })
    void whoever_says_send_error_is_translated(int status, String code) {
        var answer = server.get("/api/try/send-error?status=" + status);
        assertThat(answer.code()).isEqualTo(code);
        assertThat(answer.body()).doesNotContain("secret");
        assertThat(answer.json().path("instance").asString()).isEqualTo("/api/try/send-error");
    }

    @ParameterizedTest
    @ValueSource(strings = {"fault", "error", "grammar", "timeout"})
    void a_fault_of_ours_tells_nothing_of_its_inside(String how) {
        assertProblem(server.get("/api/try/fail?how=" + how), ProblemType.INTERNAL_ERROR);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lost", "standby", "pool"})
    void a_database_that_is_away_asks_to_come_back(String how) {
        var answer = server.get("/api/try/fail?how=" + how);
        assertProblem(answer, ProblemType.DATABASE_UNAVAILABLE);
        assertThat(answer.header("Retry-After")).isEqualTo("2");
        assertThat(answer.json().path("retry_after_seconds").asInt()).isEqualTo(2);
    }

    @Test
    void a_handler_that_denies_access_is_forbidden() {
        var answer = server.get("/api/try/fail?how=denied");
        assertProblem(answer, ProblemType.FORBIDDEN);
        assertThat(answer.json().path("detail").asString()).contains("admin");
    }

    @Test
    void a_client_that_prefers_text_gets_its_refusal_as_text() {
        var answer = server.get("/api/nothing", "Accept", "text/plain");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.header("Content-Type")).isEqualTo("text/plain;charset=UTF-8");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.body())
                .isEqualTo(
                        "outcome=error\ncode=not-found\ndetail=There is nothing at this path. The paths that exist are"
                                + " listed at /api/docs.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*/*", "application/json, text/plain", "text/plain;q=0.5, */*", "application/problem+json"})
    void any_other_client_gets_json(String accept) {
        assertProblem(server.get("/api/nothing", "Accept", accept), ProblemType.NOT_FOUND);
    }
}
