package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.service.Api.Answer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What has happened, asked for over HTTP. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HistoryIT {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final Api api = SharedService.API;
    private final String environment = "history-" + COUNT.incrementAndGet();

    @Test
    void history_tells_each_run_with_its_end_newest_first() {
        Answer deployed = api.acquire(
                environment, "{\"sha\":\"a\",\"repository\":\"shop/web\",\"user\":\"alice\",\"tier\":\"1\"}");
        api.release(deployed);
        Answer failed = api.acquire(environment, "{\"user\":\"bob\"}");
        Answer queued = api.acquire(environment, "{}");
        api.release(failed, "{\"status\":\"failure\"}");

        JsonNode page = get("/api/admin/deployments?environment=" + environment);

        assertThat(page.path("next_before").isNull()).isTrue();
        assertThat(page.path("items").valueStream().map(run -> run.path("id").asLong()))
                .containsExactly(queued.runId(), failed.runId(), deployed.runId());
        JsonNode oldest = page.path("items").get(2);
        assertThat(oldest.path("environment").asString()).isEqualTo(environment);
        assertThat(oldest.path("status").asString()).isEqualTo("success");
        assertThat(oldest.path("reason").asString()).isEqualTo("released by its client");
        assertThat(oldest.path("sha").asString()).isEqualTo("a");
        assertThat(oldest.path("user").asString()).isEqualTo("alice");
        assertThat(oldest.path("completed").asString()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
        assertThat(oldest.path("wait_seconds").asLong(-1)).isBetween(0L, 5L);
        assertThat(oldest.path("duration_seconds").asLong(-1)).isBetween(0L, 5L);

        assertThat(get("/api/admin/deployments?environment=" + environment + "&status=failure,success&limit=1")
                        .path("next_before")
                        .asLong())
                .isEqualTo(failed.runId());
        assertThat(ids("/api/admin/deployments?environment=" + environment + "&before=" + failed.runId()))
                .containsExactly(deployed.runId());
        assertThat(ids("/api/admin/deployments?repository=shop/web&user=alice&environment=" + environment))
                .containsExactly(deployed.runId());
        assertThat(ids("/api/admin/deployments?limit=1")).hasSize(1);
    }

    @Test
    void history_is_a_sentence_for_each_run_in_plain_text() {
        Answer deployed = api.acquire(environment, "{\"sha\":\"a1b2c3d\",\"user\":\"alice\",\"title\":\"Deploy #1\"}");
        api.release(deployed);
        api.release(api.acquire(environment, "{}"), "{\"status\":\"cancelled\"}");

        String page = api.call("GET", "/api/admin/deployments?environment=" + environment, null, "Accept", "text/plain")
                .text();

        assertThat(page.replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", "<time>")
                        .replaceAll("took \\d+ s", "took <s>"))
                .isEqualTo("deployment_1=<time> run " + (deployed.runId() + 1) + " cancelled in " + environment
                        + ", took <s>: released by its client\ndeployment_2=<time> run " + deployed.runId()
                        + " success of a1b2c3d in " + environment + " (alice), Deploy #1, took <s>\n");
    }

    @Test
    void statistics_count_and_measure_what_ended() {
        api.release(api.acquire(environment, "{}"));
        api.release(api.acquire(environment, "{}"), "{\"status\":\"failure\"}");

        JsonNode stats = get("/api/admin/stats?window=30m&environment=" + environment);

        assertThat(stats.propertyNames())
                .containsExactly(
                        "environment",
                        "window_seconds",
                        "since",
                        "until",
                        "runs",
                        "deployments",
                        "counts",
                        "success_rate",
                        "skip_rate",
                        "timeout_rate",
                        "orphan_rate",
                        "wait",
                        "duration");
        assertThat(stats.path("environment").asString()).isEqualTo(environment);
        assertThat(stats.path("window_seconds").asLong()).isEqualTo(1800);
        assertThat(stats.path("runs").asLong()).isEqualTo(2);
        assertThat(stats.path("counts").path("failure").asLong()).isEqualTo(1);
        assertThat(stats.path("counts").path("timed_out").asLong(-1)).isZero();
        assertThat(stats.path("success_rate").asDouble()).isEqualTo(0.5);
        assertThat(stats.path("orphan_rate").asDouble(-1)).isZero();
        assertThat(stats.path("wait").propertyNames()).containsExactly("avg_seconds", "p50_seconds", "p95_seconds");
        assertThat(get("/api/admin/stats").path("window_seconds").asLong()).isEqualTo(604800);
    }

    @Test
    void audit_trail_has_what_was_before_and_after_as_objects() {
        JdbcClient.create(SharedService.DATABASE.dataSource())
                .sql("""
                INSERT INTO audit (at, actor, action, environments, run_id, reason, before, after)
                VALUES (statement_timestamp(), 'alice', 'freeze', ARRAY[?], 7, 'black friday', '{"frozen": false}', '{"frozen": true}')""")
                .param(environment)
                .update();
        api.release(api.acquire(environment, "{}"));

        JsonNode page = get("/api/admin/audit?actor=alice&action=freeze&environment=" + environment);

        assertThat(page.path("items").size()).isEqualTo(1);
        JsonNode entry = page.path("items").get(0);
        assertThat(entry.propertyNames())
                .containsExactly("id", "at", "actor", "action", "environments", "run_id", "reason", "before", "after");
        assertThat(entry.path("before").toString()).isEqualTo("{\"frozen\":false}");
        assertThat(entry.path("after").path("frozen").asBoolean()).isTrue();
        assertThat(entry.path("at").asString()).endsWith("Z");
        assertThat(get("/api/admin/audit?actor=nobody&environment=" + environment)
                        .toString())
                .isEqualTo("{\"items\":[],\"next_before\":null}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            deployments?environment=No         | environment
            deployments?environment=           | environment
            deployments?status=done            | status
            deployments?status=success,        | status
            deployments?status=                | status
            deployments?limit=0                | limit
            deployments?limit=201              | limit
            deployments?limit=many             | limit
            deployments?before=0               | before
            deployments?before=x               | before
            deployments?user=                  | user
            deployments?repository=a%0Ab       | repository
            stats?window=7                     | window
            stats?window=0d                    | window
            stats?window=91d                   | window
            stats?window=1w                    | window
            stats?environment=*                | environment
            audit?limit=201                    | limit
            audit?before=-1                    | before
            audit?actor=%00                    | actor
            """)
    void bad_value_is_refused_by_name(String call, String field) {
        Answer answer = api.call("GET", "/api/admin/" + call, null);

        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("invalid-request");
        assertThat(answer.json().path("field").asString()).isEqualTo(field);
        assertThat(answer.json().path("detail").asString()).startsWith(field + " must ");
    }

    @ParameterizedTest
    @CsvSource({"deployments", "stats", "audit"})
    void unknown_environment_is_not_found_and_the_default_one_is_there_from_the_start(String call) {
        Answer unknown = api.call("GET", "/api/admin/" + call + "?environment=nowhere", null);

        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.code()).isEqualTo("environment-unknown");
        assertThat(api.call("GET", "/api/admin/" + call + "?environment=production", null)
                        .status())
                .isEqualTo(200);
    }

    private JsonNode get(String path) {
        Answer answer = api.call("GET", path, null);
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        return answer.json();
    }

    private java.util.List<Long> ids(String path) {
        return get(path)
                .path("items")
                .valueStream()
                .map(run -> run.path("id").asLong())
                .toList();
    }
}
