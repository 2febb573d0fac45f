package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.Caller;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.security.FakeTokens;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.EdgeServer.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client is told that asks too much. What it may ask is in RequestLimitsTest. */
class RequestLimitTest {

    private EdgeServer server;

    @BeforeEach
    void start() {
        // A second is longer than it takes to send the few requests that exceed this.
        server = EdgeServer.start("--lockkeeper.limits.requests-per-second=1");
        var tokens = server.bean(FakeTokens.class);
        tokens.put("other", new Caller("other", Role.DEPLOY, EnvironmentPattern.EVERYWHERE));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static Answer untilRefused(Supplier<Answer> request) {
        var answers = new ArrayList<Answer>();
        do {
            answers.add(request.get());
        } while (answers.getLast().status() != 429 && answers.size() < 1000);
        return answers.getLast();
    }

    @Test
    void a_token_that_floods_is_told_when_to_come_back_and_others_are_served() {
        var refused = untilRefused(() -> server.get("/api/try/caller"));

        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        assertThat(refused.header("Cache-Control")).isEqualTo("no-store");
        assertThat(refused.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(refused.code()).isEqualTo("too-many-requests");
        assertThat(refused.json().path("retry_after_seconds").asInt()).isEqualTo(1);
        assertThat(server.get("/api/try/caller", "Authorization", "Bearer other")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void another_spelling_of_the_header_is_the_same_token() {
        var spaces = new StringBuilder();
        var refused = untilRefused(() ->
                server.get("/api/try/caller", "Authorization", "bEARER " + spaces.append(' ') + EdgeServer.TOKEN));

        assertThat(refused.status()).isEqualTo(429);
    }

    @Test
    void a_client_that_prefers_text_gets_it() {
        var refused = untilRefused(() -> server.get("/api/try/caller", "Accept", "text/plain"));

        assertThat(refused.body()).startsWith("outcome=error\ncode=too-many-requests\ndetail=");
    }

    @Test
    void guesses_are_slowed_down_and_say_nothing_while_they_are() {
        var refused = untilRefused(() -> server.get("/api/try/caller", "Authorization", "Bearer wrong"));
        assertThat(refused.code()).isEqualTo("too-many-requests");

        var right = server.get("/api/try/caller", "Authorization", "Bearer other");
        assertThat(right.code()).isEqualTo("too-many-requests");
    }

    @Test
    void neighbours_of_one_who_guesses_are_served() {
        server.get("/api/try/caller", "Authorization", "Bearer other");
        untilRefused(() -> server.get("/api/try/caller", "Authorization", "Bearer wrong"));

        assertThat(server.get("/api/try/caller", "Authorization", "Bearer other")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void tokens_that_cannot_be_looked_up_are_no_guesses() {
        server.bean(FakeTokens.class).setAway(true);
        for (var i = 0; i < 20; i++) {
            assertThat(server.get("/api/try/caller", "Authorization", "Bearer other-" + i)
                            .status())
                    .isEqualTo(503);
        }
    }

    @Test
    void strangers_are_bounded_too() {
        assertThat(untilRefused(() -> server.getWithoutToken("/api/try/caller")).code())
                .isEqualTo("too-many-requests");
        assertThat(server.get("/api/try/caller").status()).isEqualTo(200);
    }

    @Test
    void probes_are_never_refused() {
        untilRefused(() -> server.getWithoutToken("/api/try/caller"));

        assertThat(IntStream.range(0, 20)
                        .mapToObj(_ -> server.getWithoutToken("/actuator/health/readiness")
                                .status()))
                .containsOnly(200);
    }

    @Test
    void heartbeats_and_releases_have_a_budget_of_their_own() {
        untilRefused(() -> server.get("/api/try/caller"));

        for (var path : List.of("/api/runs/1/heartbeat", "/api/environments/production/release")) {
            assertThat(server.call("POST", path, null).status()).as(path).isEqualTo(404);
        }
        assertThat(untilRefused(() -> server.call("POST", "/api/runs/1/release", null))
                        .code())
                .isEqualTo("too-many-requests");
    }
}
