package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.coordination.Sha256;
import io.lockkeeper.security.TestIssuer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The jobs of {@code clients/gitlab}, run as GitLab's runner runs them. */
class GitlabIT extends ShellClientFixture {
    private int jobs;

    GitlabIT() {
        super("sh");
    }

    @BeforeAll
    static void needs_bash() {
        assumeTrue(
                ShellClient.succeeds("bash -c true && setsid env --default-signal=INT true"),
                "GitLab's jobs are not tested: there is no bash, or no setsid and env of GNU");
    }

    private GitlabJob job(String yaml) {
        return new GitlabJob(directory.resolve("job-" + jobs), service, yaml)
                .set("CI_PROJECT_ID", environment) // The service is shared by all tests, and so are keys.
                .number(41 + jobs++);
    }

    /** Shape (a): everything in one job. */
    private GitlabJob deploy(String options, String command) {
        return job("""
                extends: .lockkeeper
                script:
                  - lockkeeper run %s %s -- %s
                """.formatted(environment, options, command));
    }

    private long last() {
        return JdbcClient.create(service.database().dataSource())
                .sql("SELECT max(id) FROM run")
                .query(Long.class)
                .single();
    }

    // --- One job

    @Test
    void job_deploys_under_the_lock_and_says_what_it_deploys() {
        deploy("", "sh -c 'echo deploying under $LOCKKEEPER_FENCING_TOKEN'")
                .run()
                .succeeds()
                .awaitLog("deploying under ");
        assertThat(ShellClient.row(service, last()))
                .containsEntry("status", "success")
                .containsEntry("sha", "a1b2c3d")
                .containsEntry("repository", "shop/web")
                .containsEntry("run_url", "https://gitlab.example/shop/web/-/jobs/41");
    }

    @Test
    void second_job_waits_for_the_first_and_both_end_green() {
        var first = deploy("", "sh -c 'echo deploying; until [ -e go ]; do sleep 0.1; done'");
        var deploying = first.start().awaitLog("deploying");
        var second = deploy("", "echo mine").start().awaitLog(" waits at position 1, behind ");
        assertThat(second.log()).doesNotContain("mine");
        first.program("go", "");
        deploying.end().succeeds();
        second.end().succeeds().awaitLog("mine");
    }

    @Test
    void status_of_the_deployment_is_that_of_the_job() {
        deploy("", "sh -c 'exit 42'").run().fails(42);
        assertThat(status(last())).isEqualTo("failure");
    }

    @Test
    void job_that_does_not_want_to_wait_fails_with_4() {
        var held = hold();
        deploy("--no-wait", "echo mine").run().fails(4);
        release(held);
    }

    @Test
    void skipped_job_is_green_and_deploys_nothing() {
        var held = hold();
        var queued = deploy("", "true").start().awaitLog("position 1");
        var next = deploy("", "true").start().awaitLog("position 2");
        var skipped = deploy("", "echo mine").run().succeeds();
        assertThat(skipped.log()).contains("is skipped: ").doesNotContain("mine");
        release(held);
        queued.end().succeeds();
        next.end().succeeds();
    }

    @Test
    void cancelled_job_stops_its_deployment_and_releases_as_cancelled() {
        var job = deploy("", "sh -c 'echo deploying; exec sleep 60'").start().awaitLog("deploying");
        job.cancel().fails(1);
        assertThat(status(last())).isEqualTo("cancelled");
    }

    @Test
    void job_that_is_cancelled_in_the_queue_leaves_it() {
        var held = hold();
        var job = deploy("", "echo mine").start().awaitLog("position 1");
        job.cancel().fails(1);
        assertThat(status(last())).isEqualTo("cancelled");
        release(held);
    }

    @Test
    void another_client_than_the_pinned_one_is_not_run() throws IOException {
        var shipped = HexFormat.of()
                .formatHex(Sha256.of(Files.readString(Path.of("clients/shell/lockkeeper")))
                        .bytes());
        deploy("", "echo mine")
                .set("LOCKKEEPER_CLIENT_SHA256", shipped)
                .run()
                .succeeds()
                .awaitLog("mine");
        var refused = deploy("", "echo mine")
                .set("LOCKKEEPER_CLIENT_SHA256", "0".repeat(64))
                .run();
        assertThat(refused.process().exitValue()).isNotZero();
        assertThat(refused.log()).doesNotContain("mine");
    }

    // --- Several jobs

    private GitlabJob acquireJob() {
        return job("extends: .lockkeeper-acquire").set("LOCKKEEPER_ENVIRONMENT", environment);
    }

    private GitlabJob heldJob(String script, Map<String, String> report) {
        return job("extends: .lockkeeper-held\nscript: [" + script + "]")
                .set("LOCKKEEPER_ENVIRONMENT", environment)
                .with(report);
    }

    private GitlabJob releaseJob(String name, Map<String, String> report) {
        return job("extends: " + name)
                .set("LOCKKEEPER_ENVIRONMENT", environment)
                .with(report);
    }

    @Test
    void lock_is_held_from_the_job_that_acquires_to_the_one_that_releases() {
        var acquire = acquireJob();
        acquire.run().succeeds();
        long run = last();
        assertThat(acquire.report())
                .containsOnlyKeys(
                        "LOCKKEEPER_KEY",
                        "LOCKKEEPER_LEASE",
                        "LOCKKEEPER_OUTCOME",
                        "LOCKKEEPER_RUN_ID",
                        "LOCKKEEPER_FENCING_TOKEN",
                        "LOCKKEEPER_DEPLOY_SHA");
        assertThat(acquire.report()).containsEntry("LOCKKEEPER_RUN_ID", Long.toString(run));

        heldJob("'echo deploying under $LOCKKEEPER_FENCING_TOKEN'", acquire.report())
                .run()
                .succeeds()
                .awaitLog("deploying under " + column(run, "fencing_token"));
        assertThat(status(run)).isEqualTo("in_progress");
        var other = deploy("--no-wait", "echo mine").run().fails(4);
        assertThat(other.log()).doesNotContain("mine");

        releaseJob(".lockkeeper-release", acquire.report()).run().succeeds();
        assertThat(status(run)).isEqualTo("success");
    }

    @Test
    void pipeline_that_failed_releases_as_failure() {
        var acquire = acquireJob();
        acquire.run().succeeds();
        heldJob("'false'", acquire.report()).run().fails(1);
        var release = releaseJob(".lockkeeper-release-failed", acquire.report());
        assertThat(release.key("when")).isEqualTo("on_failure");
        release.run().succeeds();
        assertThat(status(last())).isEqualTo("failure");
    }

    @Test
    void no_job_goes_on_under_a_lock_that_is_lost() {
        var acquire = acquireJob();
        acquire.run().succeeds();
        long run = last();
        post("/api/admin/environments/" + environment + "/force-release", """
                {"confirm": "%s", "fencing_token": %s, "reason": "the test says so", "even_if_alive": true}
                """.formatted(
                        environment, column(run, "fencing_token")));
        assertThat(status(run)).isEqualTo("preempted");
        var late = heldJob("echo mine", acquire.report()).run().fails(5);
        assertThat(late.log()).doesNotContain("mine").contains("preempted");
    }

    @Test
    void jobs_of_a_pipeline_that_was_skipped_are_green_and_do_nothing() {
        Map<String, String> report = new HashMap<>(Map.of("LOCKKEEPER_OUTCOME", "skipped"));
        var held = heldJob("echo mine", report).run().succeeds();
        assertThat(held.log()).doesNotContain("mine").contains("Nothing to do");
        releaseJob(".lockkeeper-release", report).run().succeeds();
    }

    @Test
    void acquire_that_is_retried_is_another_run() {
        var acquire = acquireJob();
        acquire.run().succeeds();
        releaseJob(".lockkeeper-release-failed", acquire.report()).run().succeeds();
        long run = last();
        var again = acquireJob();
        again.run().succeeds();
        assertThat(last()).isNotEqualTo(run);
        releaseJob(".lockkeeper-release", again.report()).run().succeeds();
    }

    /** What the logs and the files of the jobs show. */
    @Test
    void lock_token_is_in_no_log_report_or_file_that_stays() throws IOException {
        var acquire = acquireJob();
        var log = acquire.run().succeeds().log();
        var held = heldJob("'echo $LOCKKEEPER_LOCK_TOKEN >token'", acquire.report());
        log += held.run().succeeds().log();
        var token = Files.readString(held.directory().resolve("token")).strip();
        assertThat(token).startsWith(last() + ".");
        Files.delete(held.directory().resolve("token"));
        releaseJob(".lockkeeper-release", acquire.report()).run().succeeds();
        assertThat(log).doesNotContain(token);
        try (var files = Files.walk(directory)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                assertThat(Files.readString(file)).as(file.toString()).doesNotContain(token);
            }
        }
    }

    @Test
    void id_tokens_of_different_jobs_are_one_caller_when_the_pipeline_is_its_link() {
        try (var issuer = new TestIssuer();
                var strict = ServiceProcess.startOn(
                        TestDatabase.migrated(),
                        "--lockkeeper.oidc.issuers[0].issuer=" + issuer.uri(),
                        "--lockkeeper.oidc.issuers[0].audience=" + TestIssuer.AUDIENCE,
                        "--lockkeeper.oidc.issuers[0].provider=gitlab",
                        "--lockkeeper.oidc.issuers[0].claims.run-url={iss}/{project_path}/-/pipelines/{pipeline_id}",
                        "--lockkeeper.oidc.issuers[0].rules[0].claims.project_path=shop/web",
                        "--lockkeeper.oidc.issuers[0].rules[0].role=deploy",
                        "--lockkeeper.oidc.issuers[0].rules[0].environments=*")) {
            service = strict;
            var acquire = acquireJob().set("LOCKKEEPER_TOKEN", idToken(issuer, "41"));
            acquire.set("CI_PIPELINE_URL", issuer.uri() + "/shop/web/-/pipelines/7")
                    .run()
                    .succeeds();
            var release = releaseJob(".lockkeeper-release", acquire.report())
                    .set("CI_PIPELINE_URL", issuer.uri() + "/shop/web/-/pipelines/7")
                    .set("LOCKKEEPER_TOKEN", idToken(issuer, "42"));
            release.run().succeeds();
            assertThat(status(last())).isEqualTo("success");
        }
    }

    private static String idToken(TestIssuer issuer, String job) {
        return issuer.token(Map.of(
                "sub", "project_path:shop/web:ref_type:branch:ref:main",
                "project_path", "shop/web",
                "ref", "main",
                "sha", "a1b2c3d",
                "user_login", "alice",
                "pipeline_id", "7",
                "job_id", job));
    }

    @Test
    void pipelines_of_the_page_extend_jobs_that_there_are() throws IOException {
        var page = Files.readString(Path.of("docs/gitlab-ci.md"));
        var extended = Pattern.compile("(?m)^  extends: (\\S+)$")
                .matcher(page)
                .results()
                .map(match -> match.group(1));
        assertThat(extended).isNotEmpty().isSubsetOf(GitlabJob.template().keySet());
        var examples = Pattern.compile("(?ms)^```yaml\\n(.*?)^```$")
                .matcher(page)
                .results()
                .toList();
        assertThat(examples)
                .isNotEmpty()
                .allSatisfy(
                        example -> assertThat(GitlabJob.read(example.group(1))).isNotEmpty());
    }

    @Test
    void template_has_nothing_but_hidden_jobs_with_an_id_token_and_no_secret() {
        assertThat(GitlabJob.template()).allSatisfy((name, job) -> {
            assertThat(name).startsWith(".lockkeeper");
            assertThat(job.toString())
                    .contains("id_tokens={LOCKKEEPER_TOKEN={aud=$LOCKKEEPER_URL}}")
                    .as("a variable of a job wins over that of its pipeline, such as the checksum of the client")
                    .doesNotContain("variables=");
        });
        assertThat(GitlabJob.template().keySet())
                .containsExactlyElementsOf(List.of(
                        ".lockkeeper",
                        ".lockkeeper-acquire",
                        ".lockkeeper-held",
                        ".lockkeeper-release",
                        ".lockkeeper-release-failed"));
    }
}
