package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Policy and people over HTTP, from a configuration and through the API. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PolicyIT {
    private final ServiceProcess service = ServiceProcess.start(
            "--lockkeeper.environments.production.lock-group=deploy-production",
            "--lockkeeper.environments.production.approvals-required=1",
            "--lockkeeper.environments.production.approvers=approver",
            "--lockkeeper.environments.production.promote-from=preprod",
            "--lockkeeper.environments.preprod.promote-from=dev",
            "--lockkeeper.environments[production-auto].lock-group=deploy-production",
            "--lockkeeper.environments[production-auto].promote-from=preprod");
    private final Api admin = new Api(service.url(), service.adminToken());
    private Api pipeline = admin;
    private Api approver = admin;

    @BeforeAll
    void identities() {
        pipeline = identity("pipeline", "deploy");
        approver = identity("approver", "view");
    }

    private Api identity(String name, String role) {
        return identity(name, role, "*");
    }

    private Api identity(String name, String role, String environments) {
        Answer made = admin.call(
                "POST",
                "/api/admin/tokens",
                "{\"name\":\"%s\",\"role\":\"%s\",\"environments\":[\"%s\"]}".formatted(name, role, environments));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return new Api(service.url(), made.json().path("token").asString());
    }

    @AfterAll
    void stop() {
        assertThat(admin.integrity().text()).isEqualTo("{\"violations\":[]}");
        service.close();
    }

    private Answer put(String path, String body) {
        return admin.call("PUT", "/api/admin/environments/" + path, body);
    }

    private void deploy(String environment, String sha) {
        Answer granted = pipeline.acquire(environment, "{\"sha\":\"%s\"}".formatted(sha));
        assertThat(granted.outcome()).as(granted.text()).isEqualTo("granted");
        assertThat(pipeline.release(granted).status()).isEqualTo(200);
    }

    @Test
    void sha_is_promoted_from_stage_to_stage_and_needs_one_approval_for_production_and_none_for_the_bot() {
        deploy("dev", "v1");
        Answer early = pipeline.acquire("production", "{\"sha\":\"v1\"}");
        assertThat(early.status()).isEqualTo(422);
        assertThat(early.code()).isEqualTo("promotion-required");
        assertThat(early.json().path("promotable_sha").isNull()).isTrue();

        deploy("preprod", "v1");
        Answer waiting = pipeline.acquire("production", "{\"sha\":\"v1\"}");
        assertThat(waiting.status()).isEqualTo(202);
        assertThat(waiting.json().path("run").path("status").asString()).isEqualTo("awaiting_approval");
        assertThat(waiting.json().path("blockers").path(0).path("type").asString())
                .isEqualTo("approval");

        Answer bot = pipeline.acquire("production-auto", "{\"sha\":\"v1\"}");
        assertThat(bot.outcome()).as("an unapproved run holds nothing").isEqualTo("granted");
        assertThat(admin.status("production")
                        .json()
                        .path("lock")
                        .path("holder")
                        .path("environment")
                        .asString())
                .isEqualTo("production-auto");

        String approve = "/api/admin/runs/" + waiting.runId() + "/approve";
        assertThat(pipeline.call("POST", approve, null).code()).isEqualTo("own-run");
        Answer approved = approver.call("POST", approve, "{\"comment\":\"go\"}");
        assertThat(approved.status()).as(approved.text()).isEqualTo(200);
        assertThat(approved.outcome()).isEqualTo("queued");
        pipeline.release(bot);
        assertThat(pipeline.await(waiting, 30).outcome()).isEqualTo("granted");
        pipeline.release(waiting);

        deploy("dev", "v2");
        Answer skipped = pipeline.acquire("production-auto", "{\"sha\":\"v2\"}");
        assertThat(skipped.code()).isEqualTo("promotion-required");
        assertThat(skipped.json().path("promotable_sha").asString()).isEqualTo("v1");
    }

    @Test
    void what_the_configuration_declares_is_refused_with_the_place_to_change_it() {
        Answer refused = put("preprod", "{}");

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("declared-in-configuration");
        assertThat(refused.text()).contains("lockkeeper.environments.preprod");
        assertThat(admin.call("GET", "/api/admin/environments/preprod", null)
                        .json()
                        .path("declared_in")
                        .asString())
                .isEqualTo("configuration");
    }

    @Test
    void policy_is_declared_listed_and_taken_back() {
        Answer declared = put(
                "declared",
                "{\"batch_threshold\":0,\"protected\":true,\"queue_mode\":\"latest_only\",\"freeze_windows\":"
                        + "[{\"cron\":\"0 16 * * FRI\",\"time_zone\":\"Europe/Berlin\",\"duration_seconds\":3600,\"reason\":\"weekend\"}]}");
        assertThat(declared.status()).as(declared.text()).isEqualTo(200);
        assertThat(declared.json().path("policy").path("protected").asBoolean()).isTrue();
        assertThat(declared.json().path("policy").path("queue_mode").asString()).isEqualTo("latest_only");
        assertThat(declared.json()
                        .path("policy")
                        .path("freeze_windows")
                        .path(0)
                        .path("cron")
                        .asString())
                .isEqualTo("0 16 * * FRI");
        assertThat(admin.call("GET", "/api/admin/environments", null).text()).contains("\"declared\"");

        Answer reset = admin.call("DELETE", "/api/admin/environments/declared", null);
        assertThat(reset.json().path("policy").path("batch_threshold").asInt()).isEqualTo(3);
        assertThat(reset.json().path("declared_in").isNull()).isTrue();
        assertThat(pipeline.call("PUT", "/api/admin/environments/declared", "{}")
                        .status())
                .isEqualTo(403);
    }

    @Test
    void bad_policy_is_refused_naming_the_field() {
        assertThat(put("bad", "{\"lease_seconds\":4}").json().path("field").asString())
                .isEqualTo("lease_seconds");
        assertThat(put("bad", "{\"leese_seconds\":40}").json().path("field").asString())
                .isEqualTo("leese_seconds");
        assertThat(put("bad", "{\"queue_mode\":\"lifo\"}").json().path("field").asString())
                .isEqualTo("queue_mode");
        assertThat(put("bad", "{\"health_url\":\"file:///etc/passwd\"}")
                        .json()
                        .path("field")
                        .asString())
                .isEqualTo("health_url");
        assertThat(put("bad", "{\"promote_from\":\"bad\"}").json().path("field").asString())
                .isEqualTo("promote_from");
        assertThat(put(
                                "bad",
                                "{\"freeze_windows\":[{\"cron\":\"whenever\",\"time_zone\":\"Mars\",\"duration_seconds\":60,\"reason\":\"x\"}]}")
                        .text())
                .contains("freeze_windows[0].cron", "freeze_windows[0].time_zone");
        assertThat(put(
                                "bad",
                                "{\"approvers\":[\"a\\u0000b\"],\"freeze_windows\":[{\"cron\":\"0 16 * * FRI\\u0000\",\"time_zone\":\"UTC\",\"duration_seconds\":60,\"reason\":\"a\\u2028b\"}]}")
                        .text())
                .contains("approvers[0]", "freeze_windows[0].cron", "freeze_windows[0].reason", "one line");
        assertThat(put("preprod/freeze", "{\"reason\":\"x\",\"until\":\"+10000-01-01T00:00:00Z\"}")
                        .json()
                        .path("detail")
                        .asString())
                .contains("until must be in the future and within a year");
        assertThat(admin.call("GET", "/api/admin/environments/bad", null).status())
                .as("nothing was written")
                .isEqualTo(404);
    }

    /** Whoever shares a lock can hold it and keep all others from it. */
    @Test
    void lock_is_shared_only_by_an_admin_of_all_who_share_it() {
        put("guarded-production", "{\"lock_group\":\"guarded-lock\",\"promote_from\":\"guarded-preprod\"}");
        Api shop = identity("shop-admin", "admin", "guarded-shop-*");
        String mine = "/api/admin/environments/guarded-shop-web";

        assertThat(shop.call("PUT", mine, "{\"lock_group\":\"guarded-lock\"}").code())
                .isEqualTo("forbidden");
        assertThat(shop.call("PUT", mine, "{\"lock_group\":\"guarded-production\"}")
                        .code())
                .isEqualTo("forbidden");
        assertThat(shop.call("PUT", mine, "{\"promote_from\":\"guarded-preprod\"}")
                        .code())
                .isEqualTo("forbidden");
        assertThat(shop.call("PUT", mine, "{\"lock_group\":\"guarded-shop-all\"}")
                        .status())
                .isEqualTo(200);
        put("guarded-production", "{\"lock_group\":\"guarded-shop-all\"}");
        assertThat(shop.call("PUT", "/api/admin/environments/guarded-shop-api", "{\"lock_group\":\"guarded-shop-all\"}")
                        .code())
                .as("there is somebody in it that is not theirs")
                .isEqualTo("forbidden");

        Answer holder = pipeline.acquire("guarded-production", "{}");
        Answer forced = shop.call(
                "POST",
                mine + "/force-release",
                "{\"confirm\":\"guarded-shop-web\",\"fencing_token\":%d,\"reason\":\"mine, mine, mine\",\"even_if_alive\":true}"
                        .formatted(holder.json().path("fencing_token").asLong()));
        assertThat(forced.code()).isEqualTo("forbidden");
        assertThat(pipeline.release(holder).status()).isEqualTo(200);
    }

    @Test
    void freeze_is_told_with_its_reason_and_end_and_lifted() {
        assertThat(put("frosen/freeze", "{\"reason\":\"party\"}").code())
                .as("a slip would let go on what was meant")
                .isEqualTo("environment-unknown");
        put("frozen", "{}");
        put("frozen-auto", "{\"lock_group\":\"frozen\"}");
        assertThat(put("frozen/freeze", "{}").json().path("field").asString()).isEqualTo("reason");
        assertThat(put("frozen/freeze", "{\"reason\":\"party\",\"until\":\"2020-01-01T00:00:00Z\"}")
                        .json()
                        .path("field")
                        .asString())
                .isEqualTo("until");
        assertThat(put("frozen/freeze", "{\"reason\":\"party\",\"until\":\"tomorrow\"}")
                        .json()
                        .path("detail")
                        .asString())
                .contains("until must be an instant in quotes, such as");
        assertThat(put("frozen/freeze", "{\"reason\":\"party\",\"duration_seconds\":3600}")
                        .text())
                .contains("in frozen now, until ", "frozen-auto shares its lock and is not frozen.");

        Answer queued = pipeline.acquire("frozen", "{}");
        assertThat(queued.outcome()).isEqualTo("queued");
        assertThat(queued.json().path("blockers").path(0).path("reason").asString())
                .isEqualTo("party");
        assertThat(queued.json().path("blockers").path(0).path("until").asString())
                .endsWith("Z");
        assertThat(queued.json().path("message").asString()).contains("the freeze of frozen until");
        assertThat(pipeline.acquire("frozen", "{\"mode\":\"fail_fast\"}").code())
                .isEqualTo("frozen");
        assertThat(admin.status("frozen").json().path("freeze").path("reason").asString())
                .isEqualTo("party");
        Answer hotfix = admin.acquire("frozen", "{\"priority\":\"high\",\"reason\":\"outage\"}");
        assertThat(hotfix.outcome()).isEqualTo("granted");
        admin.release(hotfix);

        assertThat(admin.call("DELETE", "/api/admin/environments/frozen/freeze", null)
                        .status())
                .isEqualTo(200);
        assertThat(pipeline.await(queued, 30).outcome()).isEqualTo("granted");
        pipeline.release(queued);
    }

    @Test
    void forced_release_wants_the_name_the_token_and_a_silent_holder_or_the_will() {
        Answer holder = pipeline.acquire("forced", "{\"user\":\"alice\"}");
        long token = holder.json().path("fencing_token").asLong();

        assertThat(force("wrong", token, false).code()).isEqualTo("confirm-mismatch");
        assertThat(force("forced", token + 1, false).code()).isEqualTo("holder-changed");
        assertThat(force("forced", token, false).code()).isEqualTo("holder-alive");
        assertThat(pipeline.heartbeat(holder).status())
                .as("nothing was released")
                .isEqualTo(200);

        Answer forced = force("forced", token, true);
        assertThat(forced.status()).as(forced.text()).isEqualTo(200);
        assertThat(forced.outcome()).isEqualTo("preempted");
        assertThat(pipeline.heartbeat(holder).status()).isEqualTo(410);
        assertThat(pipeline.release(holder).status()).isEqualTo(410);
        assertThat(force("forced", token, true).code()).isEqualTo("not-held");
    }

    private Answer force(String confirm, long token, boolean evenIfAlive) {
        return admin.call(
                "POST",
                "/api/admin/environments/forced/force-release",
                "{\"confirm\":\"%s\",\"fencing_token\":%d,\"reason\":\"the runner is gone\",\"even_if_alive\":%s}"
                        .formatted(confirm, token, evenIfAlive));
    }

    @Test
    void prioritized_and_rejected_runs_are_told_so() {
        Answer holder = pipeline.acquire("ordered", "{}");
        Answer first = pipeline.acquire("ordered", "{}");
        Answer second = pipeline.acquire("ordered", "{\"batch\":false}");
        Answer moved =
                admin.call("POST", "/api/admin/runs/" + second.runId() + "/prioritize", "{\"reason\":\"hotfix\"}");
        assertThat(moved.json().path("position").asInt()).isEqualTo(1);
        pipeline.release(holder);
        assertThat(pipeline.await(second, 30).outcome()).isEqualTo("granted");
        pipeline.release(second);
        assertThat(pipeline.await(first, 30).outcome()).isEqualTo("granted");
        pipeline.release(first);
        assertThat(admin.call("POST", "/api/admin/runs/" + first.runId() + "/reject", "{\"reason\":\"no\"}")
                        .code())
                .isEqualTo("not-waiting");
    }

    @Test
    void policy_changes_all_the_time_while_clients_come_and_go() throws Exception {
        List<String> policies = List.of(
                "{}",
                "{\"lock_group\":\"shared-loop\"}",
                "{\"batch_threshold\":0,\"queue_mode\":\"latest_only\"}",
                "{\"batch_threshold\":1,\"cancel_in_progress\":true,\"max_hold_seconds\":60}",
                "{\"on_failure\":\"quarantine\",\"lock_group\":\"shared-loop\"}");
        AtomicBoolean over = new AtomicBoolean();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> clients = new ArrayList<>();
            for (int client = 0; client < 6; client++) {
                String environment = client % 2 == 0 ? "loop-a" : "loop-b";
                clients.add(threads.submit(() -> {
                    int deployments = 0;
                    while (!over.get()) {
                        Answer run = pipeline.acquire(environment, "{\"wait_seconds\":2}");
                        assertThat(run.status()).as(run.text()).isLessThan(300);
                        Answer check = pipeline.call("GET", "/api/environments/" + environment + "/queue-check", null);
                        assertThat(check.status()).as(check.text()).isEqualTo(200);
                        if (run.outcome().equals("granted")) {
                            assertThat(pipeline.release(run).status()).isEqualTo(200);
                            deployments++;
                        } else if (run.outcome().equals("queued")) {
                            Answer left = pipeline.release(run, "{\"status\":\"cancelled\"}");
                            assertThat(left.status()).as(left.text()).isIn(200, 410);
                        }
                    }
                    return deployments;
                }));
            }
            for (int i = 0; i < 60; i++) {
                for (String environment : List.of("loop-a", "loop-b")) {
                    Answer changed = put(environment, policies.get((i + environment.length()) % policies.size()));
                    assertThat(changed.status()).as(changed.text()).isIn(200, 409);
                }
            }
            over.set(true);
            int deployments = 0;
            for (Future<Integer> client : clients) {
                deployments += client.get();
            }
            assertThat(deployments).isPositive();
        }
        assertThat(admin.integrity().text()).isEqualTo("{\"violations\":[]}");
    }

    @Test
    void environments_are_not_made_by_a_slip_where_that_is_switched_off() {
        try (ServiceProcess strict = ServiceProcess.start(
                "--lockkeeper.environments.auto-create=false",
                "--lockkeeper.environments.production.batch-threshold=5")) {
            Api api = new Api(strict.url(), strict.adminToken());

            Answer refused = api.acquire("prodution", "{}");

            assertThat(refused.status()).isEqualTo(404);
            assertThat(refused.code()).isEqualTo("environment-unknown");
            assertThat(refused.json().path("similar").path(0).asString()).isEqualTo("production");
            assertThat(api.acquire("production", "{}").outcome()).isEqualTo("granted");
            assertThat(api.acquire("staging", "{}").status()).isEqualTo(404);
        }
    }
}
