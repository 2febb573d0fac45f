package io.lockkeeper.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.WholeService;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Terraform's HTTP backend as Terraform meets it, on the real server and database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TerraformBackendTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final String KEY = "key-of-the-terraform-backend-test";
    private static final String SECRET = "the-database-password-in-the-state";

    private final HttpClient http = HttpClient.newHttpClient();
    private final WholeService service = new WholeService(
            "--lockkeeper.terraform.state-keys=" + KEY, "--lockkeeper.terraform.max-state-bytes=200000");
    private final JdbcClient jdbc = JdbcClient.create(service.database().dataSource());
    private final String environment = "terraform";

    private Client admin = new Client("");
    private Client alice = new Client("");
    private Client bob = new Client("");
    private Client viewer = new Client("");

    @BeforeAll
    void makeTokens() {
        admin = new Client(WholeService.ADMIN_TOKEN);
        alice = client("alice", "deploy");
        bob = client("bob", "deploy");
        viewer = client("viewer", "view");
    }

    @AfterAll
    void stop() {
        http.close();
        service.close();
    }

    private Client client(String name, String role) {
        var made = admin.api("POST", "/api/admin/tokens", "{\"name\": \"" + name + "\", \"role\": \"" + role + "\"}");
        return new Client(made.json().path("token").asString());
    }

    private record Answer(int status, HttpResponse<String> response) {
        JsonNode json() {
            return JSON.readTree(response.body());
        }

        String text() {
            return response.body();
        }

        String code() {
            return json().path("code").asString();
        }

        String detail() {
            return json().path("detail").asString();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }
    }

    /** Whoever has a token: Terraform, which sends it as a password, or another client of the service. */
    private final class Client {
        private final String token;

        Client(String token) {
            this.token = token;
        }

        Answer lock(String place, String id) {
            return terraform("LOCK", place, info(id, "OperationTypeApply"));
        }

        Answer unlock(String place, String id) {
            return terraform("UNLOCK", place, info(id, "OperationTypeApply"));
        }

        Answer forceUnlock(String place) {
            return terraform("UNLOCK", place, null);
        }

        Answer write(String place, String id, String state) {
            return terraform("POST", place + "?ID=" + id, state, "Content-MD5", md5(state));
        }

        Answer read(String place) {
            return terraform("GET", place, null);
        }

        Answer terraform(String method, String path, @Nullable String body, String... headers) {
            var basic = Base64.getEncoder().encodeToString(("anybody:" + token).getBytes(StandardCharsets.UTF_8));
            return send(method, "/api/terraform/" + path, body, "Basic " + basic, headers);
        }

        Answer api(String method, String path, @Nullable String body, String... headers) {
            return send(method, path, body, "Bearer " + token, headers);
        }

        Answer acquire(String place) {
            return api(
                    "POST",
                    "/api/environments/" + place + "/acquire",
                    "{\"user\": \"carol\", \"hostname\": \"ci-7\", \"title\": \"Deploy web\", \"sha\": \"abc1234\"}");
        }

        Answer release(Answer acquired) {
            return api(
                    "POST",
                    "/api/runs/" + acquired.json().at("/run/id").asLong() + "/release",
                    "{}",
                    "Lock-Token",
                    acquired.json().path("lock_token").asString());
        }
    }

    private Answer send(
            String method, String path, @Nullable String body, @Nullable String authorization, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(service.url() + path))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            var response = http.send(request.build(), BodyHandlers.ofString());
            return new Answer(response.statusCode(), response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String info(String id, String operation) {
        return """
                {"ID":"%s","Operation":"%s","Info":"","Who":"root@vm","Version":"1.11.4",\
                "Created":"2026-11-21T10:30:45.123456789Z","Path":""}""".formatted(id, operation);
    }

    private static String state(long serial, String value) {
        return """
                {"version": 4, "terraform_version": "1.11.4", "serial": %d, "lineage": "3f1c",
                 "outputs": {"password": {"value": "%s", "type": "string", "sensitive": true}}, "resources": []}
                """.formatted(serial, value);
    }

    private static String md5(String text) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String place() {
        return "tf-" + COUNT.incrementAndGet();
    }

    private static String id() {
        return UUID.randomUUID().toString();
    }

    private long runs(String place) {
        return jdbc.sql("SELECT count(*) FROM run WHERE environments = ARRAY[?::text]")
                .param(place)
                .query(Long.class)
                .single();
    }

    /** The newest run there, as its status. */
    private String status(String place) {
        return jdbc.sql("SELECT status FROM run WHERE environments = ARRAY[?::text] ORDER BY id DESC LIMIT 1")
                .param(place)
                .query(String.class)
                .single();
    }

    /** Time passes for all runs there, while the service hears everybody who asks. */
    private void passes(Duration time, String place) {
        jdbc.sql("UPDATE sweeper SET last_swept_at = statement_timestamp()").update();
        jdbc.sql("""
                        UPDATE run
                        SET granted_at = granted_at - make_interval(secs => :s), picked_up_at = picked_up_at - make_interval(secs => :s),
                            presence_expires_at = presence_expires_at - make_interval(secs => :s),
                            queue_expires_at = queue_expires_at - make_interval(secs => :s),
                            lease_expires_at = lease_expires_at - make_interval(secs => :s)
                        WHERE environments = ARRAY[:place::text] AND completed_at IS NULL""").param("s", (int) time.toSeconds()).param("place", place).update();
    }

    private void policy(String place, String policy) {
        var answer = admin.api("PUT", "/api/admin/environments/" + place, policy);
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    }

    private JsonNode deploymentStatus(String place) {
        return admin.api("GET", "/api/admin/deployment-status?environment=" + place, null)
                .json();
    }

    // The lock.

    @Test
    void lock_of_a_free_environment_is_a_run_that_holds_it() {
        var place = place();

        assertThat(alice.lock(place, id()).status()).isEqualTo(200);

        var holder = deploymentStatus(place).at("/lock/holder");
        assertThat(holder.path("user").asString()).isEqualTo("root");
        assertThat(holder.path("hostname").asString()).isEqualTo("vm");
        assertThat(holder.path("title").asString()).isEqualTo("terraform apply");
        var acquired = bob.acquire(place);
        assertThat(acquired.json().path("outcome").asString()).isEqualTo("queued");
        assertThat(acquired.json().at("/blockers/0/title").asString()).isEqualTo("terraform apply");
        var run = admin.api("GET", "/api/runs/" + holder.path("run_id").asLong(), null);
        assertThat(run.json().at("/run/source").asString()).isEqualTo("terraform");
        assertThat(run.text()).doesNotContain("lock_token");
    }

    @Test
    void repeated_lock_with_the_holders_own_id_is_granted_again_and_makes_no_second_run() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        assertThat(alice.lock(place, id).status()).isEqualTo(200);
        assertThat(runs(place)).isEqualTo(1);
    }

    @Test
    void refused_lock_tells_the_holders_own_lock_info() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var refused = bob.lock(place, id());

        assertThat(refused.status()).isEqualTo(423);
        assertThat(refused.text()).isEqualTo(info(id, "OperationTypeApply"));
    }

    @Test
    void refused_lock_tells_of_a_deployment_in_terraforms_form() {
        var place = place();
        var run = bob.acquire(place).json().at("/run/id").asLong();

        var refused = alice.lock(place, id());

        assertThat(refused.status()).isEqualTo(423);
        assertThat(refused.json().path("ID").asString())
                .startsWith("run-" + run + " (deployment by carol@ci-7 since 20");
        assertThat(refused.json().path("Operation").asString()).isEqualTo("deployment");
        assertThat(refused.json().path("Who").asString()).isEqualTo("carol@ci-7");
        assertThat(refused.json().path("Path").asString()).isEqualTo(place);
        assertThat(refused.json().path("Info").asString())
                .contains("run " + run + " (carol", "Position 1 in the queue, which -lock-timeout keeps");
        assertThat(refused.json().path("Created").asString()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    }

    @Test
    void retry_keeps_its_place_and_picks_up_a_grant_that_came_in_between() {
        var place = place();
        var deployment = bob.acquire(place);
        var id = id();
        alice.lock(place, id);
        assertThat(bob.lock(place, id()).status()).isEqualTo(423);
        bob.release(deployment);

        assertThat(alice.lock(place, id).status()).isEqualTo(200);
        assertThat(runs(place)).isEqualTo(3);
        assertThat(bob.lock(place, id()).json().path("ID").asString()).isEqualTo(id);
    }

    @Test
    void retries_keep_a_place_for_longer_than_the_presence_of_one() {
        var place = place();
        bob.acquire(place);
        var id = id();
        alice.lock(place, id);
        for (var retry = 0; retry < 5; retry++) {
            passes(Duration.ofSeconds(20), place);
            assertThat(alice.lock(place, id).status()).isEqualTo(423);
        }
        assertThat(runs(place)).isEqualTo(2);
        assertThat(status(place)).isEqualTo("queued");
    }

    @Test
    void terraform_that_does_not_come_back_loses_its_place_sooner_than_others() {
        var place = place();
        var deployment = bob.acquire(place);
        var id = id();
        alice.lock(place, id);
        passes(Duration.ofSeconds(31), place);
        bob.release(deployment);

        assertThat(status(place)).isEqualTo("abandoned");
        assertThat(bob.acquire(place).json().path("outcome").asString()).isEqualTo("granted");
        // And whoever comes back after all stands at the end.
        assertThat(alice.lock(place, id).status()).isEqualTo(423);
        assertThat(runs(place)).isEqualTo(4);
    }

    @Test
    void grant_that_terraform_does_not_pick_up_goes_to_the_next() {
        var place = place();
        var deployment = bob.acquire(place);
        var id = id();
        alice.lock(place, id);
        bob.release(deployment);
        passes(Duration.ofSeconds(31), place);

        assertThat(bob.acquire(place).json().path("outcome").asString()).isEqualTo("granted");
        assertThat(alice.lock(place, id).status()).isEqualTo(423);
    }

    @Test
    void lock_that_is_not_to_queue_leaves_nothing_behind() {
        var place = place();
        bob.acquire(place);

        var refused = alice.terraform("LOCK", place + "?queue=false", info(id(), "OperationTypePlan"));

        assertThat(refused.status()).isEqualTo(423);
        assertThat(refused.json().path("ID").asString()).startsWith("run-");
        assertThat(runs(place)).isEqualTo(1);
    }

    @Test
    void id_that_was_unlocked_takes_no_lock_again() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.unlock(place, id);

        var late = alice.lock(place, id);

        assertThat(late.status()).isEqualTo(410);
        assertThat(late.code()).isEqualTo("lease-lost");
        assertThat(deploymentStatus(place).at("/lock/status").asString()).isEqualTo("unlocked");
    }

    @Test
    void unlock_ends_the_run_says_what_it_does_not_know_and_may_be_repeated() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        assertThat(alice.unlock(place, id).status()).isEqualTo(200);
        assertThat(alice.unlock(place, id).status()).isEqualTo(200);
        assertThat(jdbc.sql("SELECT status || ': ' || status_reason FROM run WHERE foreign_lock_id = ?")
                        .param(id)
                        .query(String.class)
                        .single())
                .isEqualTo("success: unlocked by its client, which does not say whether it succeeded");
    }

    @Test
    void unlock_with_another_token_is_refused() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var refused = bob.unlock(place, id);

        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.detail()).contains("taken with another token", "force-unlock");
        assertThat(status(place)).isEqualTo("in_progress");
    }

    @Test
    void unlock_of_a_waiting_lock_gives_up_its_place() {
        var place = place();
        bob.acquire(place);
        var id = id();
        alice.lock(place, id);

        assertThat(alice.unlock(place, id).status()).isEqualTo(200);
        assertThat(status(place)).isEqualTo("cancelled");
    }

    @Test
    void unlock_of_an_id_that_never_locked_is_told_so() {
        var place = place();
        alice.lock(place, id());

        var refused = alice.unlock(place, id());

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("not-held");
    }

    @Test
    void unlock_after_the_lease_ran_out_is_refused_and_says_who_holds_now() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        passes(Duration.ofSeconds(7201), place);
        bob.acquire(place);

        var late = alice.unlock(place, id);

        assertThat(late.status()).isEqualTo(410);
        assertThat(late.detail()).contains("expired", "held by run", "carol");
    }

    @Test
    void lock_of_terraform_is_no_deployment() {
        var place = place();
        var deployed = bob.acquire(place);
        bob.release(deployed);
        var id = id();
        alice.lock(place, id);
        alice.unlock(place, id);

        assertThat(deploymentStatus(place).at("/last_deployment/run_id").asLong())
                .isEqualTo(deployed.json().at("/run/id").asLong());
        assertThat(jdbc.sql("SELECT last_success_sha FROM environment WHERE name = ?")
                        .param(place)
                        .query(String.class)
                        .single())
                .isEqualTo("abc1234");
    }

    @Test
    void lock_needs_no_promotion() {
        var place = place();
        policy(place, "{\"promote_from\": \"" + place() + "\"}");

        assertThat(alice.lock(place, id()).status()).isEqualTo(200);
    }

    @Test
    void waiting_lock_is_not_superseded_by_deployments() {
        var place = place();
        policy(place, "{\"queue_mode\": \"latest_only\", \"cancel_in_progress\": true}");
        var first = id();
        alice.lock(place, first);
        var second = id();
        alice.lock(place, second);
        bob.acquire(place);
        bob.acquire(place);

        assertThat(jdbc.sql("SELECT status FROM run WHERE foreign_lock_id IN (?, ?) ORDER BY id")
                        .params(first, second)
                        .query(String.class)
                        .list())
                .containsExactly("in_progress", "queued");
        assertThat(jdbc.sql("SELECT cancel_requested_at IS NULL FROM run WHERE foreign_lock_id = ?")
                        .param(first)
                        .query(Boolean.class)
                        .single())
                .isTrue();
    }

    @Test
    void queue_full_enough_for_batching_skips_no_lock() {
        var place = place();
        bob.acquire(place);
        bob.acquire(place);
        bob.acquire(place);
        bob.acquire(place);

        assertThat(alice.lock(place, id()).status()).isEqualTo(423);
        assertThat(status(place)).isEqualTo("queued");
    }

    @Test
    void lock_of_a_frozen_environment_waits_and_says_why() {
        var place = place();
        policy(place, "{}");
        admin.api("PUT", "/api/admin/environments/" + place + "/freeze", "{\"reason\": \"audit week\"}");

        var refused = alice.lock(place, id());

        assertThat(refused.status()).isEqualTo(423);
        assertThat(refused.json().path("ID").asString()).contains("freeze of " + place, "audit week");
    }

    @Test
    void lock_that_needs_an_approval_says_so_and_is_granted_to_a_retry_after_it() {
        var place = place();
        policy(place, "{\"approvals_required\": 1}");
        var id = id();

        var refused = alice.lock(place, id);
        assertThat(refused.status()).isEqualTo(423);
        assertThat(refused.json().path("ID").asString()).contains("1 missing approval");
        var run = jdbc.sql("SELECT id FROM run WHERE foreign_lock_id = ?")
                .param(id)
                .query(Long.class)
                .single();
        admin.api("POST", "/api/admin/runs/" + run + "/approve", null);

        assertThat(alice.lock(place, id).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "{\"ID\": 5}",
                "{\"ID\": \"a b\"}",
                "{\"ID\": \"x\", \"Created\": \"yesterday\"}",
                "{\"ID\": \"x\", \"Who\": \"a\\nb\"}",
                "{\"ID\": \"x\", \"Created\": \"2026-02-31T00:00:00Z\"}",
                "nonsense"
            })
    void lock_info_that_terraform_would_not_send_is_refused(String body) {
        var place = place();
        var refused = alice.terraform("LOCK", place, body);
        assertThat(refused.status()).as(refused.text()).isEqualTo(400);
        assertThat(runs(place)).isZero();
    }

    @Test
    void key_of_a_lock_leads_nobody_to_its_lock_token() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var acquired = alice.api(
                "POST",
                "/api/environments/" + place + "/acquire",
                "{}",
                "Idempotency-Key",
                "terraform lock " + id + " of " + place);

        assertThat(acquired.status()).isEqualTo(422);
        assertThat(acquired.text()).doesNotContain("lock_token");
    }

    @Test
    void of_many_locks_at_once_one_is_granted_and_the_others_queue_behind_it() throws Exception {
        var place = place();
        List<Callable<Answer>> locks = new ArrayList<>();
        for (var i = 0; i < 8; i++) {
            var id = id();
            locks.add(() -> alice.lock(place, id));
        }

        assertThat(atOnce(locks).stream().filter(answer -> answer.status() == 200))
                .hasSize(1);
        assertThat(jdbc.sql("SELECT count(*) FROM run WHERE environments = ARRAY[?::text] AND status = 'in_progress'")
                        .param(place)
                        .query(Long.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void one_lock_sent_many_times_at_once_is_one_run() throws Exception {
        var place = place();
        var id = id();
        List<Callable<Answer>> locks = new ArrayList<>();
        for (var i = 0; i < 8; i++) {
            locks.add(() -> alice.lock(place, id));
        }

        assertThat(atOnce(locks)).allMatch(answer -> answer.status() == 200);
        assertThat(runs(place)).isEqualTo(1);
    }

    @Test
    void retries_that_meet_a_hand_over_all_find_the_lock_and_make_no_second_run() throws Exception {
        for (var round = 0; round < 10; round++) {
            var place = place();
            var deployment = bob.acquire(place);
            var id = id();
            alice.lock(place, id);
            atOnce(List.of(
                    () -> alice.lock(place, id),
                    () -> bob.release(deployment),
                    () -> alice.lock(place, id),
                    () -> alice.lock(place, id)));

            assertThat(alice.lock(place, id).status()).isEqualTo(200);
            assertThat(runs(place)).isEqualTo(2);
        }
    }

    @Test
    void state_that_races_with_a_forced_unlock_is_written_before_it_or_not_at_all() throws Exception {
        for (var round = 0; round < 20; round++) {
            var place = place();
            var id = id();
            alice.lock(place, id);
            var next = id();
            bob.lock(place, next);
            atOnce(List.of(
                    () -> admin.forceUnlock(place),
                    () -> alice.write(place, id, state(1, SECRET)),
                    () -> bob.lock(place, next),
                    () -> bob.write(place, next, state(1, "of bob"))));

            assertThat(jdbc.sql("""
                            SELECT count(*) FROM terraform_state s
                            LEFT JOIN run r ON r.id = s.run_id AND s.written_at BETWEEN r.granted_at AND coalesce(r.completed_at, 'infinity')
                            WHERE s.environment = ? AND r.id IS NULL""").param(place).query(Long.class).single())
                    .as("versions of which the writer did not hold the lock")
                    .isZero();
            assertThat(alice.write(place, id, state(2, SECRET)).status()).isEqualTo(409);
        }
    }

    private static List<Answer> atOnce(List<Callable<Answer>> calls) throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Answer> answers = new ArrayList<>();
            for (Future<Answer> call : threads.invokeAll(calls)) {
                answers.add(call.get());
            }
            return answers;
        }
    }

    // Force-unlock.

    @Test
    void forced_unlock_takes_an_admin() {
        var place = place();
        alice.lock(place, id());

        assertThat(alice.forceUnlock(place).status()).isEqualTo(403);
        assertThat(status(place)).isEqualTo("in_progress");
    }

    @Test
    void forced_unlock_ends_the_run_and_is_audited() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        assertThat(admin.forceUnlock(place).status()).isEqualTo(200);

        assertThat(jdbc.sql("SELECT status || ': ' || status_reason FROM run WHERE foreign_lock_id = ?")
                        .param(id)
                        .query(String.class)
                        .single())
                .isEqualTo("preempted: force-released by admin: terraform force-unlock of lock " + id);
        assertThat(jdbc.sql(
                                "SELECT actor FROM audit WHERE action = 'force_released_by_admin' AND environments = ARRAY[?::text]")
                        .param(place)
                        .query(String.class)
                        .single())
                .isEqualTo("admin");
        assertThat(alice.unlock(place, id).status()).isEqualTo(410);
        assertThat(alice.lock(place, id).status()).isEqualTo(410);
    }

    @Test
    void forced_unlock_of_a_deployment_is_refused_and_names_the_command() {
        var place = place();
        bob.acquire(place);

        var refused = admin.forceUnlock(place);

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.detail()).contains("no lock of Terraform", "lockkeeper force-release " + place);
        assertThat(status(place)).isEqualTo("in_progress");
    }

    @Test
    void forced_unlock_of_a_protected_environment_is_refused() {
        var place = place();
        policy(place, "{\"protected\": true}");
        alice.lock(place, id());

        assertThat(admin.forceUnlock(place).status()).isEqualTo(409);
        assertThat(status(place)).isEqualTo("in_progress");
    }

    @Test
    void repeated_forced_unlock_does_not_hit_who_was_granted_the_lock_by_the_first() {
        var place = place();
        alice.lock(place, id());
        var next = id();
        bob.lock(place, next);
        admin.forceUnlock(place);
        assertThat(bob.lock(place, next).status()).isEqualTo(200);

        assertThat(admin.forceUnlock(place).status()).isEqualTo(200);
        assertThat(status(place)).isEqualTo("in_progress");
    }

    @Test
    void forced_unlock_of_what_nobody_holds_is_no_error() {
        assertThat(admin.forceUnlock(place()).status()).isEqualTo(200);
    }

    // The state.

    @Test
    void state_is_read_as_it_was_written() {
        var place = place();
        var id = id();
        assertThat(alice.read(place).status()).isEqualTo(204);
        alice.lock(place, id);
        var state = state(1, SECRET);

        var written = alice.write(place, id, state);

        assertThat(written.status()).as(written.text()).isEqualTo(200);
        var read = bob.read(place);
        assertThat(read.text()).isEqualTo(state);
        assertThat(read.header("Content-MD5")).isEqualTo(md5(state));
        assertThat(read.header("ETag")).isEqualTo("\"1\"");
        assertThat(read.header("Content-Type")).isEqualTo("application/json");
        assertThat(read.header("Cache-Control")).isEqualTo("no-store");
    }

    @Test
    void viewers_may_not_read_a_state() {
        assertThat(viewer.read(place()).status()).isEqualTo(403);
    }

    @Test
    void state_is_written_with_the_id_of_the_lock_only() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var without = alice.terraform("POST", place, state(1, SECRET));
        assertThat(without.status()).isEqualTo(409);
        assertThat(without.code()).isEqualTo("state-not-locked");
        assertThat(without.detail()).contains("-lock=false");
        assertThat(alice.write(place, id(), state(1, SECRET)).status()).isEqualTo(409);
        assertThat(bob.write(place, id, state(1, SECRET)).status()).isEqualTo(409);
        assertThat(alice.write(place(), id, state(1, SECRET)).status()).isEqualTo(409);
        assertThat(alice.read(place).status()).isEqualTo(204);
    }

    @Test
    void waiting_lock_writes_no_state() {
        var place = place();
        bob.acquire(place);
        var id = id();
        alice.lock(place, id);

        assertThat(alice.write(place, id, state(1, SECRET)).status()).isEqualTo(409);
    }

    @Test
    void state_of_a_lost_lock_is_refused_and_says_who_holds_now() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        passes(Duration.ofSeconds(7201), place);
        var deployment = bob.acquire(place).json().at("/run/id").asLong();

        var refused = alice.write(place, id, state(1, SECRET));

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.json().at("/holder/run_id").asLong()).isEqualTo(deployment);
        assertThat(refused.detail()).contains("errored.tfstate").doesNotContain(SECRET);
    }

    @Test
    void lock_whose_lease_has_just_run_out_writes_no_state_though_nobody_has_noticed() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        passes(Duration.ofSeconds(7201), place);

        assertThat(alice.write(place, id, state(1, SECRET)).status()).isEqualTo(409);
        assertThat(status(place)).isEqualTo("expired");
    }

    @Test
    void writing_the_state_prolongs_the_lease() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        passes(Duration.ofSeconds(7000), place);
        alice.write(place, id, state(1, SECRET));
        passes(Duration.ofSeconds(7000), place);

        assertThat(alice.write(place, id, state(2, SECRET)).status()).isEqualTo(200);
    }

    @Test
    void repeated_write_makes_no_second_version_and_another_state_does() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        alice.write(place, id, state(1, SECRET));
        alice.write(place, id, state(1, SECRET));
        alice.write(place, id, state(2, SECRET));

        var versions = alice.terraform("GET", place + "/versions", null).json();
        assertThat(versions.path("items").size()).isEqualTo(2);
        assertThat(versions.at("/items/0/serial").asLong()).isEqualTo(2);
        assertThat(versions.at("/items/0/by").asString()).isEqualTo("alice");
        assertThat(versions.at("/items/0/lock_id").asString()).isEqualTo(id);
        assertThat(versions.at("/items/1/version").asLong()).isEqualTo(1);
        var page = alice.terraform("GET", place + "/versions?limit=1", null).json();
        assertThat(page.path("next_before").asLong()).isEqualTo(2);
        assertThat(alice.terraform("GET", place + "/versions?before=2", null)
                        .json()
                        .at("/items/0/version")
                        .asLong())
                .isEqualTo(1);
        assertThat(alice.terraform("GET", place + "/versions/1", null).text()).isEqualTo(state(1, SECRET));
    }

    @Test
    void last_hundred_versions_are_kept() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        for (var serial = 1; serial <= 103; serial++) {
            alice.write(place, id, state(serial, SECRET));
        }

        assertThat(jdbc.sql("SELECT min(version) || ' to ' || max(version) FROM terraform_state WHERE environment = ?")
                        .param(place)
                        .query(String.class)
                        .single())
                .isEqualTo("4 to 103");
        assertThat(alice.terraform("GET", place + "/versions/3", null).code()).isEqualTo("state-unknown");
    }

    @Test
    void damaged_state_is_refused() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var refused =
                alice.terraform("POST", place + "?ID=" + id, state(1, SECRET), "Content-MD5", md5(state(2, SECRET)));

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().path("field").asString()).isEqualTo("Content-MD5");
        assertThat(alice.read(place).status()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{\"version\": 4}",
                "{\"version\": 4, \"serial\": -1, \"lineage\": \"a\"}",
                "{\"version\": 4, \"serial\": 99999999999999999999, \"lineage\": \"a\"}",
                "{\"version\": 4, \"serial\": 1, \"lineage\": \"a\", \"x\": " + SECRET,
                "{\"version\": 4, \"serial\": 1, \"lineage\": \"a\"} {}"
            })
    void what_is_no_state_is_refused_without_a_word_of_it(String body) {
        var place = place();
        var id = id();
        alice.lock(place, id);

        var refused = alice.write(place, id, body);

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.code()).isEqualTo("malformed-body");
        assertThat(refused.text()).doesNotContain(SECRET);
    }

    @Test
    void state_may_be_larger_than_other_bodies_but_not_without_bound() {
        var place = place();
        var id = id();
        alice.lock(place, id);

        assertThat(alice.write(place, id, state(1, "x".repeat(150_000))).status())
                .isEqualTo(200);
        var refused = alice.write(place, id, state(2, "x".repeat(200_000)));
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.json().path("limit_bytes").asInt()).isEqualTo(200_000);
        assertThat(alice.terraform("LOCK", place, "x".repeat(70_000)).status()).isEqualTo(413);
    }

    @Test
    void deleted_state_is_none_and_its_versions_stay() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, SECRET));
        alice.unlock(place, id);

        assertThat(alice.terraform("DELETE", place, null).status()).isEqualTo(200);
        assertThat(alice.terraform("DELETE", place, null).status()).isEqualTo(200);

        assertThat(alice.read(place).status()).isEqualTo(204);
        var versions = alice.terraform("GET", place + "/versions", null).json();
        assertThat(versions.path("items").size()).isEqualTo(2);
        assertThat(versions.at("/items/0/deleted").asBoolean()).isTrue();
        assertThat(alice.terraform("POST", place + "/versions/1/restore", null)
                        .json()
                        .path("serial")
                        .asLong())
                .isEqualTo(2);
    }

    @Test
    void state_is_not_deleted_while_another_holds_the_lock() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, SECRET));

        var refused = bob.terraform("DELETE", place, null);
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("lock-held");
        assertThat(alice.terraform("DELETE", place, null).status()).isEqualTo(200);
    }

    @Test
    void restored_version_is_the_newest_with_a_higher_serial_and_is_audited() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(7, "old"));
        alice.write(place, id, state(8, "new"));

        var refused = alice.terraform("POST", place + "/versions/1/restore", null);
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("lock-held");

        alice.unlock(place, id);
        var restored =
                alice.terraform("POST", place + "/versions/1/restore", null).json();
        assertThat(restored.path("version").asLong()).isEqualTo(3);
        assertThat(restored.path("restored_from").asLong()).isEqualTo(1);
        assertThat(alice.read(place).text()).isEqualTo(state(9, "old"));
        assertThat(jdbc.sql("SELECT actor || ' ' || (after ->> 'restored_from') FROM audit"
                                + " WHERE action = 'state_restored' AND environments = ARRAY[?::text]")
                        .param(place)
                        .query(String.class)
                        .single())
                .isEqualTo("alice 1");
    }

    @Test
    void state_outlives_the_run_that_wrote_it() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, SECRET));
        alice.unlock(place, id);

        jdbc.sql("DELETE FROM run WHERE foreign_lock_id = ?").param(id).update();

        assertThat(alice.read(place).text()).isEqualTo(state(1, SECRET));
    }

    @Test
    void no_column_of_the_database_has_a_word_of_the_state() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, SECRET));

        for (var table : jdbc.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                .query(String.class)
                .list()) {
            assertThat(jdbc.sql("SELECT count(*) FROM \"" + table
                                    + "\" AS row WHERE row::text LIKE :word OR row::text LIKE :hex")
                            .param("word", "%" + SECRET + "%")
                            .param(
                                    "hex",
                                    "%"
                                            + java.util.HexFormat.of()
                                                    .formatHex(SECRET.getBytes(StandardCharsets.UTF_8))
                                            + "%")
                            .query(Long.class)
                            .single())
                    .as(table)
                    .isZero();
        }
    }

    @Test
    void version_that_was_put_in_the_place_of_another_is_not_answered() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, "old"));
        alice.write(place, id, state(2, "new"));
        jdbc.sql("""
                        UPDATE terraform_state SET content = (
                            SELECT content FROM terraform_state WHERE environment = :place AND version = 1)
                        WHERE environment = :place AND version = 2""").param("place", place).update();

        assertThat(alice.read(place).status()).isEqualTo(500);
        assertThat(alice.terraform("GET", place + "/versions/1", null).status()).isEqualTo(200);
    }

    @Test
    void state_under_a_key_that_is_not_configured_names_the_key() {
        var place = place();
        var id = id();
        alice.lock(place, id);
        alice.write(place, id, state(1, SECRET));
        jdbc.sql("UPDATE terraform_state SET key_id = 'another' WHERE environment = ?")
                .param(place)
                .update();

        var refused = alice.read(place);

        assertThat(refused.status()).isEqualTo(501);
        assertThat(refused.code()).isEqualTo("state-key-missing");
        assertThat(refused.json().path("key_id").asString()).isEqualTo("another");
    }

    // The edge.

    @Test
    void whoever_has_no_token_is_asked_for_one_in_the_way_that_terraform_knows() {
        var refused = send("GET", "/api/terraform/" + environment, null, null);
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.header("WWW-Authenticate")).startsWith("Basic realm=");
        assertThat(new Client("lkt_wrong").read(environment).header("WWW-Authenticate"))
                .startsWith("Basic realm=");
    }

    @Test
    void basic_authentication_is_taken_from_terraform_only() {
        var basic = "Basic "
                + Base64.getEncoder()
                        .encodeToString(("x:" + WholeService.ADMIN_TOKEN).getBytes(StandardCharsets.UTF_8));
        var refused = send("GET", "/api/admin/integrity", null, basic);
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.header("WWW-Authenticate")).isEqualTo("Bearer");
    }

    @Test
    void other_methods_are_refused_and_told_which_there_are() {
        var refused = alice.terraform("PATCH", environment, "{}");
        assertThat(refused.status()).isEqualTo(405);
        assertThat(refused.header("Allow")).isEqualTo("DELETE, GET, LOCK, POST, UNLOCK");
        assertThat(alice.api("LOCK", "/api/runs/1", null).status()).isEqualTo(405);
    }

    @Test
    void service_without_a_key_says_which_setting_is_missing() {
        try (var keyless = new WholeService()) {
            var request = HttpRequest.newBuilder(keyless.url().resolve("/api/terraform/" + environment))
                    .header("Authorization", "Bearer " + WholeService.ADMIN_TOKEN)
                    .method("LOCK", BodyPublishers.ofString(info(id(), "OperationTypeApply")))
                    .build();
            var refused = http.send(request, BodyHandlers.ofString());
            assertThat(refused.statusCode()).isEqualTo(501);
            assertThat(refused.body()).contains("state-key-missing", "LOCKKEEPER_TERRAFORM_STATE_KEYS");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
