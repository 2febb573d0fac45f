package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.AdminToken;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.security.FakeTokens;
import io.lockkeeper.security.Role;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who gets in where. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessTest {

    private EdgeServer server;

    @BeforeAll
    void start() {
        server = EdgeServer.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/try/caller",
                "/api/nothing",
                "/nothing",
                "/",
                "/actuator",
                "/actuator/env",
                "/actuator/prometheus",
                "/actuator/health/db",
                "/api/openapi.yaml/x",
                "/error",
                "/api/docsx"
            })
    void nothing_is_shown_without_a_token(String path) {
        var answer = server.getWithoutToken(path);
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.code()).isEqualTo("unauthorized");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Bearer wrong-token-wrong-token", "Bearer", "Bearer ", "Bearer a b", "bearer x", "Bearer \u00e9"
            })
    void a_wrong_token_is_refused_and_not_repeated(String header) {
        var answer =
                server.raw("GET /api/try/caller HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "
                        + header + "\r\n\r\n");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer error=\"invalid_token\"");
        assertThat(answer.code()).isEqualTo("unauthorized");
        assertThat(answer.body()).doesNotContain("wrong");
    }

    @Test
    void another_scheme_is_as_good_as_no_token() {
        var answer = server.get("/api/try/caller", "Authorization", "Basic YTpi");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
    }

    @Test
    void a_refused_stranger_can_have_text() {
        var answer = server.raw(
                "GET /api/try/caller HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/plain\r\n\r\n");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.body()).startsWith("outcome=error\ncode=unauthorized\ndetail=");
    }

    @Test
    void the_admin_token_makes_its_bearer_the_admin() {
        assertThat(server.get("/api/try/caller").body()).isEqualTo("{\"name\":\"admin\",\"role\":\"admin\"}");
        assertThat(server.get("/api/try/caller", "Authorization", "BEARER  " + EdgeServer.TOKEN)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void a_stored_token_gives_its_bearer_the_role_and_environments_it_has() {
        var tokens = server.bean(FakeTokens.class);
        tokens.put("deployer", new Caller("ci", Role.DEPLOY, List.of(new EnvironmentPattern("prod*"))));
        tokens.put("elsewhere", new Caller("other", Role.DEPLOY, List.of(new EnvironmentPattern("staging"))));
        tokens.put("watcher", new Caller("prometheus", Role.VIEW, EnvironmentPattern.EVERYWHERE));

        assertThat(server.get("/api/try/caller", "Authorization", "Bearer deployer")
                        .body())
                .isEqualTo("{\"name\":\"ci\",\"role\":\"deploy\"}");
        assertThat(server.get("/api/try/caller", "Authorization", "Bearer elsewhere")
                        .code())
                .isEqualTo("forbidden");
        assertThat(server.get("/api/try/caller", "Authorization", "Bearer watcher")
                        .code())
                .isEqualTo("forbidden");
        assertThat(server.get("/actuator/prometheus", "Authorization", "Bearer watcher", "Accept", "*/*")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void a_token_that_cannot_be_looked_up_is_not_called_a_wrong_one() {
        var tokens = server.bean(FakeTokens.class);
        tokens.setAway(true);
        try {
            var answer = server.get("/api/try/caller", "Authorization", "Bearer whatever");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.code()).isEqualTo("database-unavailable");
            assertThat(answer.header("Retry-After")).isEqualTo("2");
            assertThat(answer.header("WWW-Authenticate")).isNull();
            assertThat(answer.body()).doesNotContain("secret");
            assertThat(server.get("/api/try/caller").status())
                    .as("the admin gets in")
                    .isEqualTo(200);
        } finally {
            tokens.setAway(false);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/actuator/health",
                "/actuator/health/liveness",
                "/actuator/health/readiness",
                "/api/openapi.yaml",
                "/api/docs",
                "/api/docs/page.js",
                "/api/docs/swagger-ui.css",
                "/api/docs/swagger-ui-bundle.js"
            })
    void what_is_no_secret_is_open(String path) {
        assertThat(server.getWithoutToken(path).status()).isEqualTo(200);
    }

    @Test
    void the_shell_client_is_handed_out_to_anybody() {
        var answer = server.getWithoutToken("/client/lockkeeper");
        // The client is another part of the project; without it the path is unknown, but not closed.
        assertThat(answer.status()).isIn(200, 404);
        if (answer.status() == 200) {
            assertThat(answer.header("Content-Type")).isEqualTo("text/x-shellscript;charset=UTF-8");
            assertThat(answer.body()).startsWith("#!/bin/sh");
        }
    }

    @Test
    void metrics_want_a_token_and_the_rest_of_the_actuator_is_closed() {
        assertThat(server.get("/actuator/prometheus", "Accept", "*/*").status()).isEqualTo(200);
        for (var path : new String[] {"/actuator", "/actuator/env", "/actuator/heapdump"}) {
            assertThat(server.get(path).code()).as(path).isEqualTo("forbidden");
        }
    }

    @Test
    void answers_carry_the_headers_that_protect_a_browser() {
        for (var answer :
                new EdgeServer.Answer[] {server.get("/api/try/caller"), server.getWithoutToken("/api/docs")}) {
            assertThat(answer.headers())
                    .containsAllEntriesOf(Map.of("x-content-type-options", "nosniff", "x-frame-options", "DENY"));
            assertThat(answer.header("Content-Security-Policy"))
                    .contains("default-src 'none'", "script-src 'self'")
                    .doesNotContain("unsafe", "http:", "*");
        }
        assertThat(server.get("/api/try/caller").header("Cache-Control")).isEqualTo("no-store");
        assertThat(server.get("/api/try/caller").header("Set-Cookie")).isNull();
    }

    @Test
    void the_token_is_in_no_string_form() {
        assertThat(server.bean(AdminToken.class).toString()).doesNotContain(EdgeServer.TOKEN);
    }
}
