package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.security.TestIssuer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The action of GitHub Actions, from the first line of a job's log to the last. */
class GithubActionIT extends ShellClientFixture {

    private final List<GithubJob> jobs = new ArrayList<>();

    GithubActionIT() {
        super("sh");
    }

    @BeforeAll
    static void needs_node() {
        assumeTrue(GithubJob.nodeIsInstalled(), "the GitHub Action is not tested: there is no node 20 or newer");
    }

    private GithubJob job() {
        var job = new GithubJob(directory.resolve("job-" + jobs.size()), service, environment);
        jobs.add(job);
        return job;
    }

    @AfterEach
    void no_process_and_no_file_is_left_behind() {
        await(
                "the end of all processes that heartbeat",
                () -> GithubJob.heartbeats().findAny().isEmpty());
        jobs.forEach(job -> assertThat(job.leftovers()).isEmpty());
    }

    // --- The life of a job
    // ----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"success, success", "failure, failure", "cancelled, cancelled"})
    void run_ends_as_its_job_did(String job, String run) {
        var deployment = job().with("title", "Release 7").with("tier", "web");
        deployment.main().succeeds();
        assertThat(deployment.output("outcome")).isEqualTo("granted");
        assertThat(deployment.output("deploy-sha")).isEqualTo("a1b2c3d");
        assertThat(deployment.output("reason"))
                .isEqualTo("Run " + deployment.run() + " may deploy " + environment + " with a1b2c3d.");
        assertThat(column(deployment.run(), "fencing_token")).hasToString(deployment.output("fencing-token"));
        deployment.check().succeeds();

        deployment.status(job).post().succeeds();
        assertThat(ShellClient.row(service, deployment.run()))
                .containsEntry("status", run)
                .containsEntry("sha", "a1b2c3d")
                .containsEntry("ref", "refs/heads/main")
                .containsEntry("repository", "shop/web")
                .containsEntry("title", "Release 7")
                .containsEntry("tier", "web")
                .containsEntry("hostname", "GitHub Actions 12")
                .containsEntry("source", "github-action")
                .containsEntry("run_url", "https://github.example/shop/web/actions/runs/41");
    }

    @Test
    void sha_that_a_later_step_names_is_what_was_deployed() {
        var job = job();
        job.main().succeeds();
        job.with("deployed-sha", "0f0f0f0").post().succeeds();
        assertThat(column(job.run(), "deployed_sha")).isEqualTo("0f0f0f0");
    }

    @Test
    void job_in_the_queue_names_its_blocker_once_and_then_deploys() {
        var first = job();
        first.main().succeeds();
        var second = job();
        var waiting = second.startMain().awaitLog(" at position 1");
        first.post().succeeds();
        waiting.end().succeeds();
        assertThat(waiting.log().lines().filter(line -> line.contains(" waits for ")))
                .singleElement()
                .asString()
                .contains("blocked by run " + first.run() + " (alice) in " + environment)
                .contains("https://github.example/shop/web/actions/runs/41");
        second.check().succeeds();
        second.post().succeeds();
        assertThat(status(second.run())).isEqualTo("success");
    }

    @Test
    void several_environments_are_locked_together() {
        var job = job().with("environment", environment + "-web\n" + environment + "-db,\n");
        job.main().succeeds();
        assertThat(job.output("reason")).contains(environment + "-web").contains(environment + "-db");
        job.post().succeeds();
    }

    @Test
    void jobs_of_a_matrix_are_runs_of_their_own() {
        var one = job();
        one.main().succeeds();
        var other = job().with("wait", "1");
        other.main().fails();
        assertThat(other.run()).isNotEqualTo(one.run());
        assertThat(other.output("outcome")).isEqualTo("ended");
        assertThat(status(other.run())).isEqualTo("timed_out");
        one.post().succeeds();
    }

    @Test
    void heartbeats_keep_a_short_lease_alive_while_the_steps_run() {
        var job = job().with("lease", "5");
        job.main().succeeds();
        var granted = ((Timestamp) column(job.run(), "granted_at")).toInstant();
        await(
                "three leases' time of heartbeats",
                () -> ((Timestamp) column(job.run(), "last_contact_at"))
                        .toInstant()
                        .isAfter(granted.plus(Duration.ofSeconds(15))));
        job.check().succeeds();
        job.post().succeeds();
        assertThat(status(job.run())).isEqualTo("success");
    }

    // --- Skipped and refused
    // --------------------------------------------------------------------------------------------

    @Test
    void skipped_job_is_green_and_says_so_where_people_look() {
        var pending = pending();
        var job = job();
        var main = job.main().succeeds();
        assertThat(job.output("outcome")).isEqualTo("skipped");
        assertThat(job.output("covered-by")).isEqualTo(pending.getLast().get("run_id"));
        assertThat(job.output("fencing-token")).isEmpty();
        assertThat(main.log())
                .contains("::notice title=Lockkeeper::Run " + job.run() + " was skipped: run "
                        + job.output("covered-by") + " in the queue will deploy its change.");
        assertThat(main.summary())
                .contains("### Not deployed to " + environment)
                .contains("was skipped");
        assertThat(job.post().succeeds().log()).doesNotContain("::error").doesNotContain("::warning");
        assertThat(job.check().fails().log()).contains("holds no lock");
        assertThat(status(job.run())).isEqualTo("skipped");
    }

    @Test
    void skipped_job_fails_when_it_is_to() {
        pending();
        var job = job().with("on-skip", "fail");
        assertThat(job.main().fails().log()).contains("::error title=Lockkeeper::Run ");
        assertThat(job.output("outcome")).isEqualTo("skipped");
        job.post().succeeds();
    }

    @Test
    void skipped_job_queues_all_the_same_when_it_is_to() {
        var pending = pending();
        var job = job().with("on-skip", "run");
        var main = job.startMain().awaitLog("Queueing all the same").awaitLog(" at position 3");
        pending.forEach(this::release);
        main.end().succeeds();
        assertThat(job.output("outcome")).isEqualTo("granted");
        job.post().succeeds();
        assertThat(status(job.run())).isEqualTo("success");
    }

    @Test
    void frozen_environment_refuses_a_job_that_does_not_wait() {
        release(hold());
        call(
                "PUT",
                "/api/admin/environments/" + environment + "/freeze",
                "text/plain",
                "{\"reason\": \"Black Friday\"}");
        var job = job().with("wait", "no");
        assertThat(job.main().fails().log())
                .contains("::error title=Lockkeeper::")
                .contains("Black Friday");
        assertThat(job.output("outcome")).isEqualTo("refused");
        assertThat(job.post().succeeds().log()).isEqualTo("::add-mask::" + service.adminToken() + "\n");
    }

    @Test
    void environment_that_promotes_refuses_what_was_not_tried_before() {
        release(hold());
        var target = environment + "-live";
        assertThat(call(
                        "PUT",
                        "/api/admin/environments/" + target,
                        "application/json",
                        "{\"promote_from\": \"" + environment + "\"}"))
                .doesNotContain("\"code\"");
        var job = job().with("environment", target);
        assertThat(job.main().fails().log())
                .contains("::error title=Lockkeeper::")
                .contains(environment);
        assertThat(job.output("outcome")).isEqualTo("refused");
    }

    @Test
    void wrong_token_is_refused() {
        var job = job().with("token", "lkt_wrong");
        assertThat(job.main().fails().log()).contains("::error title=Lockkeeper::The token is not valid here.");
        assertThat(job.output("outcome")).isEqualTo("refused");
        job.post().succeeds();
    }

    @Test
    void job_without_token_and_permission_is_told_what_it_needs() {
        assertThat(job().with("token", "").main().fails().log()).contains("id-token: write");
    }

    @ParameterizedTest
    @CsvSource({
        "environment, Production, is no environment's name",
        "environment, '', The input environment is empty",
        "environment, ../admin, is no environment's name",
        "wait, soon, is a number of seconds",
        "lease, -1, is a number of seconds",
        "on-skip, ignore, 'knows pass, fail, run'",
        "batch, maybe, 'knows true, false'",
        "url, lockkeeper.example, 'is an address with https://'"
    })
    void wrong_input_is_found_before_the_service_hears_of_it(String input, String value, String complaint) {
        var main = job().with(input, value).main().fails();
        assertThat(main.log()).containsIgnoringCase(complaint);
    }

    // --- When things go wrong
    // -------------------------------------------------------------------------------------------

    @Test
    void job_whose_lock_was_taken_fails_and_says_by_whom() {
        var job = job();
        job.main().succeeds();
        var taken = post(
                "/api/admin/environments/" + environment + "/force-release",
                "{\"confirm\": \"%s\", \"reason\": \"The runner hangs\", \"fencing_token\": %s, \"even_if_alive\": true}"
                        .formatted(environment, job.output("fencing-token")));
        assertThat(taken).doesNotContainKey("code");
        assertThat(job.check().fails().log()).contains("has lost its lock").contains("The runner hangs");

        var post = job.post().fails();
        assertThat(post.log())
                .contains("::error title=Lockkeeper::The lock was lost before the job was done")
                .contains("force-released by admin: The runner hangs");
        assertThat(post.summary()).contains("The lock was lost");
        assertThat(status(job.run())).isEqualTo("preempted");
    }

    @Test
    void job_that_is_asked_to_stop_finds_out_when_it_checks_and_ends_as_cancelled() {
        var job = job();
        job.main().succeeds();
        post("/api/runs/" + job.run() + "/cancel", "{\"reason\": \"wrong branch\"}");
        assertThat(job.check().fails().log()).contains("is asked to stop: cancelled by admin: wrong branch.");

        var post = job.status("failure").post().fails();
        assertThat(post.log()).contains("(cancelled by admin: wrong branch). It has stopped.");
        assertThat(status(job.run())).isEqualTo("cancelled");
    }

    @Test
    void job_that_does_not_look_whether_to_stop_has_deployed_and_is_red() {
        var job = job().with("lease", "5");
        job.main().succeeds();
        post("/api/runs/" + job.run() + "/cancel", "{\"reason\": \"wrong branch\"}");
        var asked = ((Timestamp) column(job.run(), "last_contact_at")).toInstant();
        await(
                "a heartbeat",
                () -> ((Timestamp) column(job.run(), "last_contact_at"))
                        .toInstant()
                        .isAfter(asked));
        assertThat(job.post().fails().log()).contains("the deployment went on to its end");
        assertThat(status(job.run())).isEqualTo("success");
    }

    @Test
    void job_that_is_cancelled_in_the_queue_leaves_it_at_once() {
        var first = job();
        first.main().succeeds();
        var second = job();
        second.startMain().awaitLog(" at position 1").cancel();
        assertThat(status(second.run())).isEqualTo("cancelled");
        assertThat(second.post().succeeds().log()).doesNotContain("::error").doesNotContain("::warning");
        first.post().succeeds();
    }

    @Test
    void job_that_is_killed_in_the_queue_leaves_it_in_its_post_step() {
        var first = job();
        first.main().succeeds();
        var second = job();
        second.startMain().awaitLog(" at position 1").kill9();
        assertThat(status(second.run())).isEqualTo("queued");
        second.status("cancelled").post().succeeds();
        assertThat(status(second.run())).isEqualTo("cancelled");
        first.post().succeeds();
    }

    @Test
    void lock_does_not_outlive_its_runner() {
        var job = job().with("lease", "5");
        var runner = job.startMainOfAnotherRunner().awaitGrant();
        awaitHeartbeatsFor(
                Duration.ofSeconds(7), job); // It takes its time to tell a runner from a shell that only starts main.
        assertThat(GithubJob.heartbeats()).hasSize(1);
        runner.kill9();
        await("the lock of the next", () -> !status(job.run()).equals("in_progress"));
        assertThat(status(job.run())).isEqualTo("expired");
    }

    @Test
    void service_that_is_away_for_a_while_costs_no_deployment() {
        try (var own = ServiceProcess.start()) {
            use(own);
            var holder = job().with("lease", "120");
            holder.main().succeeds();
            var second = job();
            var waiting = second.startMain().awaitLog(" at position 1");
            own.kill9();
            waiting.awaitLog("trying again for ");
            assertThat(holder.check().succeeds().log()).contains("did not answer just now");
            var third = job().with("environment", "elsewhere");
            var early = third.startMain().awaitLog("trying again for ");
            try (var back = own.restart()) {
                use(back);
                holder.post().succeeds();
                waiting.awaitLog("answers again").end().succeeds();
                early.end().succeeds();
                second.post().succeeds();
                third.post().succeeds();
                assertThat(List.of(status(holder.run()), status(second.run()), status(third.run())))
                        .containsOnly("success");
            }
        }
    }

    @Test
    void service_that_does_not_come_back_is_said_and_the_job_keeps_its_colour() {
        try (var own = ServiceProcess.start()) {
            use(own);
            var job = job().with("lease", "5");
            job.main().succeeds();
            own.kill9();
            await("the end of trust", () -> job.check().exitStatus() == 1);
            assertThat(job.check().log()).contains("no heartbeat was answered in time");
            assertThat(job.post().succeeds().log())
                    .contains("::warning title=Lockkeeper::Run ")
                    .contains("could not be released");
        }
    }

    @Test
    void request_whose_answer_is_lost_makes_no_second_run() throws IOException {
        var asked = new AtomicInteger();
        var proxy = proxy(asked);
        try {
            var job = job().with("url", "http://localhost:" + proxy.getAddress().getPort());
            job.main().succeeds();
            job.post().succeeds();
            assertThat(asked).hasValue(2);
            assertThat(JdbcClient.create(service.database().dataSource())
                            .sql("SELECT count(*) FROM run WHERE ? = ANY (environments)")
                            .param(environment)
                            .query(Long.class)
                            .single())
                    .isEqualTo(1);
        } finally {
            proxy.stop(0);
        }
    }

    // --- Secrets
    // --------------------------------------------------------------------------------------------------------

    @Test
    void secrets_are_masked_and_in_nobodys_arguments() {
        var job = job();
        var main = job.main().succeeds();
        var secrets = List.of(service.adminToken(), job.state("lock_token"));
        assertThat(GithubJob.heartbeats()
                        .map(process -> process.info().commandLine().orElse("")))
                .singleElement()
                .asString()
                .doesNotContain(secrets);
        var post = job.post().succeeds();
        assertThat((main.log() + post.log()).lines())
                .contains("::add-mask::" + secrets.getFirst(), "::add-mask::" + secrets.getLast())
                .filteredOn(line -> !line.startsWith("::add-mask::"))
                .allSatisfy(line -> assertThat(line).doesNotContain(secrets));
        assertThat(main.log()).startsWith("::add-mask::");
    }

    @Test
    void names_that_other_people_gave_are_no_commands_to_the_runner() {
        var held = client.run("acquire", environment).answer();
        call(
                "PUT",
                "/api/admin/environments/" + environment + "/freeze",
                "text/plain",
                "{\"reason\": \"##[add-mask]prod ::error::boo\"}");
        release(held);
        var job = job();
        var main = job.startMain().awaitLog("## [add-mask]prod");
        main.cancel();
        assertThat(main.log().lines().filter(line -> !line.startsWith("::add-mask::")))
                .allSatisfy(line -> assertThat(line).startsWith("lockkeeper: ").doesNotContain("##["));
        job.post().succeeds();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "https://elsewhere.example"})
    void id_token_of_the_job_serves_instead_of_a_secret(String audience) throws IOException {
        try (var issuer = new TestIssuer();
                var own = ServiceProcess.start(
                        "--lockkeeper.oidc.issuers[0].issuer=" + issuer.uri(),
                        "--lockkeeper.oidc.issuers[0].audience=" + TestIssuer.AUDIENCE,
                        "--lockkeeper.oidc.issuers[0].provider=github",
                        "--lockkeeper.oidc.issuers[0].rules[0].claims.repository=shop/web",
                        "--lockkeeper.oidc.issuers[0].rules[0].role=deploy",
                        "--lockkeeper.oidc.issuers[0].rules[0].environments=*")) {
            use(own);
            var asked = new ArrayList<String>();
            var github = tokenService(issuer, asked);
            try {
                var job = job().with("token", "")
                        .with("audience", audience.isEmpty() ? TestIssuer.AUDIENCE : audience)
                        .set(
                                "ACTIONS_ID_TOKEN_REQUEST_URL",
                                "http://localhost:" + github.getAddress().getPort() + "/token?api-version=2.0")
                        .set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token");
                var main = job.main();
                if (!audience.isEmpty()) {
                    main.fails();
                    assertThat(job.output("outcome")).isEqualTo("refused");
                    return;
                }
                main.succeeds();
                job.check().succeeds();
                job.post().succeeds();
                // The first try was answered with 503.
                assertThat(asked).hasSize(2).allMatch(query -> query.contains("api-version=2.0"));
                assertThat(main.log()).contains("::add-mask::ey");
                assertThat(ShellClient.row(service, job.run()))
                        .containsEntry("status", "success")
                        .containsEntry("sha", "c0ffee")
                        .containsEntry("repository", "shop/web")
                        .containsEntry("run_url", issuer.uri() + "/shop/web/actions/runs/99");
            } finally {
                github.stop(0);
            }
        }
    }

    private void awaitHeartbeatsFor(Duration time, GithubJob job) {
        var granted = ((Timestamp) column(job.run(), "granted_at")).toInstant();
        await(
                "heartbeats for " + time,
                () -> ((Timestamp) column(job.run(), "last_contact_at"))
                        .toInstant()
                        .isAfter(granted.plus(time)));
    }

    /** Tokens for jobs, as GitHub gives them: with the request token, and for the audience that the query names. It is away at first. */
    private static HttpServer tokenService(TestIssuer issuer, List<String> asked) throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/token", exchange -> {
            try (exchange) {
                var query = exchange.getRequestURI().getQuery();
                asked.add(query);
                var permitted = "Bearer request-token"
                        .equals(exchange.getRequestHeaders().getFirst("Authorization"));
                var token = issuer.sign(issuer.claims()
                        .audience(query.replaceFirst(".*audience=", ""))
                        .claim("repository", "shop/web")
                        .claim("ref", "refs/heads/main")
                        .claim("sha", "c0ffee")
                        .claim("actor", "alice")
                        .claim("run_id", "99")
                        .build());
                var body = ("{\"value\": \"" + token + "\"}").getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(!permitted ? 401 : asked.size() == 1 ? 503 : 200, body.length);
                exchange.getResponseBody().write(body);
            }
        });
        server.start();
        return server;
    }

    /** Passes everything on, but loses the answer to the first acquire. */
    private HttpServer proxy(AtomicInteger acquires) throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange;
                    var http = HttpClient.newHttpClient()) {
                var request = HttpRequest.newBuilder(URI.create(
                                service.url() + exchange.getRequestURI().toString()))
                        .method(
                                exchange.getRequestMethod(),
                                HttpRequest.BodyPublishers.ofByteArray(
                                        exchange.getRequestBody().readAllBytes()));
                for (var name : Map.of("Authorization", 1, "Content-Type", 1, "Lock-Token", 1, "Idempotency-Key", 1)
                        .keySet()) {
                    var value = exchange.getRequestHeaders().getFirst(name);
                    if (value != null) {
                        request.header(name, value);
                    }
                }
                var answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
                if (exchange.getRequestURI().getPath().endsWith("/acquire") && acquires.incrementAndGet() == 1) {
                    exchange.sendResponseHeaders(502, -1);
                    return;
                }
                exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
                exchange.getResponseBody().write(answer.body());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        server.start();
        return server;
    }

    /** Holder and queue: as many runs for the same change as make a new one be skipped. */
    private List<Map<String, String>> pending() {
        var body =
                "{\"repository\": \"shop/web\", \"ref\": \"refs/heads/main\", \"coverage\": \"latest\", \"batch\": false}";
        return List.of(acquire(body), acquire(body), acquire(body));
    }

    private Map<String, String> acquire(String body) {
        return post("/api/environments/" + environment + "/acquire", body);
    }
}
