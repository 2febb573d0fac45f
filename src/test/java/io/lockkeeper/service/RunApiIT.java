package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.service.Api.Answer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** The calls of a pipeline, each test in an environment of its own. */
class RunApiIT {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final String TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";

    private final Api api = SharedService.API;
    private final String environment = "api-" + COUNT.incrementAndGet();

    @Test
    void granted_answer_has_everything_a_deployment_needs() {
        Answer answer = api.acquire(environment, "{\"sha\":\"a1b2c3d\",\"user\":\"alice\",\"lease_seconds\":600}");

        assertThat(answer.status()).isEqualTo(200);
        JsonNode json = answer.json();
        assertThat(fields(json))
                .containsExactly(
                        "outcome",
                        "run",
                        "message",
                        "lock_token",
                        "fencing_token",
                        "lease",
                        "deploy",
                        "cancel_requested",
                        "environment_created");
        assertThat(json.path("outcome").asString()).isEqualTo("granted");
        assertThat(json.path("run").path("status").asString()).isEqualTo("in_progress");
        assertThat(json.path("lock_token").asString()).matches(answer.runId() + "\\.[A-Za-z0-9_-]{43}");
        assertThat(json.path("fencing_token").isIntegralNumber()).isTrue();
        assertThat(json.path("lease").path("seconds").asInt()).isEqualTo(600);
        assertThat(json.path("lease").path("expires_at").asString()).matches(TIME);
        assertThat(json.path("deploy").toString()).isEqualTo("{\"sha\":\"a1b2c3d\",\"includes\":[]}");
        assertThat(json.path("environment_created").asBoolean()).isTrue();
        assertThat(answer.header("Cache-Control")).contains("no-store");
    }

    @Test
    void queued_answer_says_who_blocks_where_one_stands_and_where_to_wait() {
        Answer holder = api.acquire(environment, "{\"user\":\"alice\",\"run_url\":\"https://ci.example/1\"}");
        Answer second = api.acquire(environment, "{}");
        Answer third = api.acquire(environment, "{}");

        assertThat(third.status()).isEqualTo(202);
        assertThat(third.header("Location")).isEqualTo("/api/runs/" + third.runId());
        assertThat(third.header("Retry-After")).isNotNull();
        JsonNode json = third.json();
        assertThat(fields(json))
                .containsExactly(
                        "outcome",
                        "run",
                        "message",
                        "lock_token",
                        "position",
                        "queue_length",
                        "blockers",
                        "eta_seconds");
        assertThat(json.path("position").asInt()).isEqualTo(2);
        assertThat(json.path("queue_length").asInt()).isEqualTo(3);
        assertThat(json.path("eta_seconds").isNull())
                .as("unknown without history")
                .isTrue();
        JsonNode blockers = json.path("blockers");
        assertThat(blockers.size()).isEqualTo(2);
        assertThat(blockers.get(0).path("type").asString()).isEqualTo("holder");
        assertThat(blockers.get(0).path("run_id").asLong()).isEqualTo(holder.runId());
        assertThat(blockers.get(0).path("user").asString()).isEqualTo("alice");
        assertThat(blockers.get(0).path("run_url").asString()).isEqualTo("https://ci.example/1");
        assertThat(blockers.get(0).path("since").asString()).matches(TIME);
        assertThat(blockers.get(1).toString())
                .isEqualTo("{\"type\":\"queue\",\"lock_group\":\"%s\",\"ahead\":1,\"run_ids\":[%d]}"
                        .formatted(environment, second.runId()));
    }

    @Test
    void estimate_comes_from_how_long_deployments_held_the_lock() {
        for (int i = 0; i < 3; i++) {
            api.release(api.acquire(environment, "{}"));
        }
        JdbcClient.create(SharedService.DATABASE.dataSource())
                .sql(
                        "UPDATE run SET granted_at = granted_at - interval '100 seconds' WHERE environments = ARRAY[?::text]")
                .param(environment)
                .update();
        api.acquire(environment, "{}");
        api.acquire(environment, "{}");

        assertThat(api.acquire(environment, "{}").json().path("eta_seconds").asInt())
                .as("the holder's 100 seconds and those of the one ahead, less what has passed")
                .isBetween(190, 201);
    }

    @Test
    void plain_text_is_flat_and_a_shell_can_read_it() {
        Answer granted = api.call(
                "POST", "/api/environments/" + environment + "/acquire", "{\"sha\":\"abc\"}", "Accept", "text/plain");
        Answer queued = api.call("POST", "/api/environments/" + environment + "/acquire", "{}", "Accept", "text/plain");
        Answer refused = api.call(
                "POST",
                "/api/environments/" + environment + "/acquire",
                "{\"mode\":\"fail_fast\"}",
                "Accept",
                "text/plain");

        assertThat(granted.header("Content-Type")).startsWith("text/plain");
        assertThat(granted.text().lines())
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo("outcome=granted"),
                        line -> assertThat(line).matches("run_id=\\d+"),
                        line -> assertThat(line).isEqualTo("status=in_progress"),
                        line -> assertThat(line).matches("lock_token=\\d+\\.[A-Za-z0-9_-]{43}"),
                        line -> assertThat(line).matches("fencing_token=\\d+"),
                        line -> assertThat(line).matches("lease_expires_at=" + TIME),
                        line -> assertThat(line).isEqualTo("lease_seconds=1800"),
                        line -> assertThat(line).isEqualTo("deploy_sha=abc"),
                        line -> assertThat(line).isEqualTo("cancel_requested=false"),
                        line -> assertThat(line).isEqualTo("environment_created=true"),
                        line -> assertThat(line).startsWith("message="));
        assertThat(queued.text().lines().map(line -> line.replaceAll("=.*", "")))
                .containsExactly(
                        "outcome",
                        "run_id",
                        "status",
                        "lock_token",
                        "position",
                        "queue_length",
                        "blocked_by",
                        "message");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).startsWith("outcome=error\ncode=lock-held\ndetail=");
    }

    @Test
    void waiting_call_is_answered_when_the_run_is_granted() throws Exception {
        Answer holder = api.acquire(environment, "{}");
        Answer waiter = api.acquire(environment, "{}");
        CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(() -> api.await(waiter, 60));

        api.release(holder);

        Answer granted = waiting.get(30, TimeUnit.SECONDS);
        assertThat(granted.outcome()).isEqualTo("granted");
        assertThat(granted.json().has("lock_token")).as("only acquire shows it").isFalse();
        assertThat(api.heartbeat(waiter).status()).isEqualTo(200);
    }

    @Test
    void acquire_itself_can_wait() throws Exception {
        Answer holder = api.acquire(environment, "{}");
        CompletableFuture<Answer> waiting =
                CompletableFuture.supplyAsync(() -> api.acquire(environment, "{\"wait_seconds\":60}"));
        while (api.status(environment).json().path("queue").path("length").asInt() < 2) {
            Thread.onSpinWait();
        }

        api.release(holder);

        Answer granted = waiting.get(30, TimeUnit.SECONDS);
        assertThat(granted.outcome()).isEqualTo("granted");
        assertThat(granted.json().path("lease").path("seconds").asInt()).isEqualTo(1800);
        assertThat(granted.lockToken()).isNotEmpty();
    }

    @Test
    void viewer_can_wait_for_the_end_of_a_run() throws Exception {
        Answer holder = api.acquire(environment, "{}");
        CompletableFuture<Answer> viewer = CompletableFuture.supplyAsync(
                () -> api.call("GET", "/api/runs/" + holder.runId() + "?wait_seconds=60&until=ended", null));

        api.release(holder, "{\"status\":\"failure\"}");

        assertThat(viewer.get(30, TimeUnit.SECONDS)
                        .json()
                        .path("run")
                        .path("status")
                        .asString())
                .isEqualTo("failure");
    }

    @Test
    void invariant_8_same_key_gives_the_same_run_and_lock_token_and_another_body_is_422() {
        String path = "/api/environments/" + environment + "/acquire";
        Answer first = api.call("POST", path, "{\"sha\":\"one\"}", "Idempotency-Key", "key-1");
        Answer again = api.call("POST", path, "{\"sha\":\"one\"}", "Idempotency-Key", "key-1");
        Answer other = api.call("POST", path, "{\"sha\":\"two\"}", "Idempotency-Key", "key-1");

        // The second of the retry may begin later; everything else is the same answer.
        assertThat(again.runId()).isEqualTo(first.runId());
        assertThat(again.lockToken()).isEqualTo(first.lockToken());
        assertThat(other.status()).isEqualTo(422);
        assertThat(other.code()).isEqualTo("idempotency-key-reused");
    }

    @Test
    void invariant_9_late_heartbeat_and_release_are_410_and_say_who_holds_now() {
        Answer lost = api.acquire(environment, "{}");
        Answer next = api.acquire(environment, "{\"user\":\"bob\"}");
        JdbcClient.create(SharedService.DATABASE.dataSource())
                .sql("UPDATE run SET lease_expires_at = statement_timestamp() WHERE id = ?")
                .param(lost.runId())
                .update();

        for (Answer late : List.of(api.heartbeat(lost), api.release(lost), api.release(lost))) {
            assertThat(late.status()).isEqualTo(410);
            assertThat(late.code()).isEqualTo("lease-lost");
            assertThat(late.json().path("run_status").asString()).isEqualTo("expired");
            assertThat(late.json().path("holder").path("run_id").asLong()).isEqualTo(next.runId());
            assertThat(late.json().path("holder").path("user").asString()).isEqualTo("bob");
        }
        assertThat(api.look(lost.runId()).json().path("run").path("status").asString())
                .isEqualTo("expired");
    }

    @Test
    void repeated_release_is_harmless() {
        Answer holder = api.acquire(environment, "{}");

        assertThat(api.release(holder).status()).isEqualTo(200);
        assertThat(api.release(holder, "{\"status\":\"failure\"}").status()).isEqualTo(200);
        assertThat(api.look(holder.runId()).json().path("run").path("status").asString())
                .isEqualTo("success");
    }

    @Test
    void release_by_environment_releases_the_run_of_the_token() {
        Answer holder = api.acquire(environment, "{}");
        String path = "/api/environments/" + environment + "/release";

        assertThat(api.call("POST", "/api/environments/elsewhere/release", "{}", "Lock-Token", holder.lockToken())
                        .code())
                .isEqualTo("lock-token-invalid");
        assertThat(api.call("POST", path, "{}", "Lock-Token", holder.lockToken())
                        .outcome())
                .isEqualTo("ended");
    }

    @Test
    void lock_token_of_another_run_is_refused_and_changes_nothing() {
        Answer one = api.acquire(environment, "{}");
        Answer other = api.acquire(environment, "{}");
        String path = "/api/runs/" + one.runId();

        for (String call : List.of("/heartbeat", "/release", "/cancel")) {
            Answer refused = api.call("POST", path + call, null, "Lock-Token", other.lockToken());
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.code()).isEqualTo("lock-token-invalid");
        }
        String forged =
                one.runId() + other.lockToken().substring(other.lockToken().indexOf('.'));
        assertThat(api.call("POST", path + "/release", "{}", "Lock-Token", forged)
                        .code())
                .isEqualTo("lock-token-invalid");
        assertThat(api.call("GET", path, null, "Lock-Token", forged).status()).isEqualTo(403);
        assertThat(api.heartbeat(one).status()).isEqualTo(200);
    }

    @Test
    void cancel_takes_a_queued_run_out_and_asks_a_holder_to_stop() {
        Answer holder = api.acquire(environment, "{}");
        Answer queued = api.acquire(environment, "{}");

        Answer left = api.call("POST", "/api/runs/" + queued.runId() + "/cancel", "{\"reason\":\"not needed\"}");
        Answer asked = api.call("POST", "/api/runs/" + holder.runId() + "/cancel", null);

        assertThat(left.json().path("run").path("status").asString()).isEqualTo("cancelled");
        assertThat(left.json().path("run").path("reason").asString()).isEqualTo("cancelled by admin: not needed");
        assertThat(asked.outcome()).isEqualTo("granted");
        assertThat(api.heartbeat(holder).json().path("cancel_requested").asBoolean())
                .isTrue();
    }

    @Test
    void fail_fast_names_the_holder_and_leaves_nothing() {
        Answer holder = api.acquire(environment, "{\"user\":\"alice\"}");

        Answer refused = api.acquire(environment, "{\"mode\":\"fail_fast\"}");

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("lock-held");
        assertThat(refused.json().path("holder").path("run_id").asLong()).isEqualTo(holder.runId());
        assertThat(api.status(environment).json().path("queue").path("length").asInt())
                .isEqualTo(1);
    }

    @Test
    void several_environments_are_granted_together() {
        String other = environment + "-other";
        Answer holder = api.acquire(other, "{}");
        Answer both =
                api.call("POST", "/api/acquire", "{\"environments\":[\"%s\",\"%s\"]}".formatted(environment, other));

        assertThat(both.outcome()).isEqualTo("queued");
        assertThat(api.status(environment).json().path("lock").path("status").asString())
                .isEqualTo("unlocked");
        api.release(holder);
        assertThat(api.await(both, 10).outcome()).isEqualTo("granted");
        assertThat(api.status(environment).json().path("lock").path("status").asString())
                .isEqualTo("locked");
    }

    @Test
    void skipped_run_keeps_its_receipt_and_queue_check_foretells_it() {
        Answer holder = api.acquire(environment, "{}");
        Answer second = api.acquire(environment, "{}");
        Answer third = api.acquire(environment, "{\"coverage\":\"latest\",\"sha\":\"c\"}");
        String check = "/api/environments/" + environment + "/queue-check";

        JsonNode foretold = api.call("GET", check, null).json();
        Answer skipped = api.acquire(environment, "{\"sha\":\"d\"}");

        assertThat(foretold.path("should_skip").asBoolean()).isTrue();
        assertThat(foretold.path("queue_length").asInt()).isEqualTo(3);
        assertThat(foretold.path("skip_reason").asString()).isEqualTo("batch-threshold");
        assertThat(api.call("GET", check + "?priority=high", null)
                        .json()
                        .path("should_skip")
                        .asBoolean())
                .isFalse();
        assertThat(skipped.outcome()).isEqualTo("skipped");
        assertThat(skipped.json().path("batched_into").asLong()).isEqualTo(third.runId());
        assertThat(skipped.json().path("covered").asBoolean()).isTrue();

        api.release(holder);
        api.await(second, 10);
        api.release(second);
        Answer granted = api.await(third, 10);
        assertThat(granted.json().path("deploy").path("sha").asString()).isEqualTo("d");
        assertThat(granted.json()
                        .path("deploy")
                        .path("includes")
                        .get(0)
                        .path("id")
                        .asLong())
                .isEqualTo(skipped.runId());
        api.release(third);
        assertThat(api.look(skipped.runId()).json().path("shipped_by").asLong()).isEqualTo(third.runId());
    }

    @Test
    void lock_says_whether_a_fencing_token_still_counts_and_blocks_until_free() throws Exception {
        Answer holder = api.acquire(environment, "{}");
        long token = holder.json().path("fencing_token").asLong();
        String path = "/api/environments/" + environment + "/lock?fencing_token=" + token;

        assertThat(api.call("GET", path, null).json().path("valid").asBoolean()).isTrue();
        CompletableFuture<Answer> free =
                CompletableFuture.supplyAsync(() -> api.call("GET", path + "&wait_seconds=60", null));
        api.release(holder);

        JsonNode lock = free.get(30, TimeUnit.SECONDS).json();
        assertThat(lock.path("locked").asBoolean()).isFalse();
        assertThat(lock.path("valid").asBoolean()).isFalse();
        assertThat(lock.path("fencing_token").asLong()).isEqualTo(token);
    }

    @Test
    void unacceptable_accept_is_refused_before_anything_happens() {
        Answer refused = api.call("POST", "/api/environments/" + environment + "/acquire", "{}", "Accept", "image/png");

        assertThat(refused.status()).isEqualTo(406);
        assertThat(api.status(environment).code()).isEqualTo("environment-unknown");
    }

    private static List<String> fields(JsonNode json) {
        return List.copyOf(json.propertyNames());
    }
}
