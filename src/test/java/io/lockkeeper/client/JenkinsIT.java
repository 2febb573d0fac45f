package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The shared library for Jenkins, from the first step to the last. */
@EnabledOnOs(OS.LINUX) // The stand-in for Jenkins finds processes by their cookies in /proc.
class JenkinsIT extends ShellClientFixture {
    private final List<JenkinsBuild> builds = new ArrayList<>();

    JenkinsIT() {
        super("sh");
    }

    private JenkinsBuild build() {
        var build = new JenkinsBuild(directory.resolve("build-" + builds.size()), service);
        builds.add(build);
        return build;
    }

    private String pipeline(String options, String body) {
        return "withLockkeeper(environment: '" + environment + "'" + options + ") { " + body + " }";
    }

    private long last() {
        return JdbcClient.create(service.database().dataSource())
                .sql("SELECT max(id) FROM run")
                .query(Long.class)
                .single();
    }

    @AfterEach
    void no_process_and_no_file_is_left_behind() throws IOException {
        for (var build : builds) {
            await(
                    "the end of all processes of the build",
                    () -> build.processes().isEmpty());
            var temporary = build.directory().resolve("workspace@tmp");
            if (Files.exists(temporary)) {
                try (var left = Files.list(temporary)) {
                    assertThat(left).isEmpty();
                }
            }
            assertThat(build.log()).as("the token is shown nowhere").doesNotContain(service.adminToken());
        }
    }

    @Test
    void steps_run_under_the_lock_and_know_its_numbers() {
        var build = build().run("""
                def outcome = withLockkeeper('%s') {
                    sh 'echo deploying under run $LOCKKEEPER_RUN_ID, $LOCKKEEPER_FENCING_TOKEN, $LOCKKEEPER_DEPLOY_SHA, ${LOCKKEEPER_TOKEN:-no token}'
                }
                echo "it was $outcome"
                """.formatted(environment));
        assertThat(build.result()).as(build.log()).isEqualTo("SUCCESS");
        long run = last();
        assertThat(build.log())
                .contains("lockkeeper: run " + run + " holds " + environment)
                .contains("deploying under run " + run + ", " + column(run, "fencing_token") + ", a1b2c3d, no token")
                .contains("it was granted");
        assertThat(ShellClient.row(service, run))
                .containsEntry("status", "success")
                .containsEntry("sha", "a1b2c3d")
                .containsEntry("title", "shop/web #7")
                .containsEntry("run_url", "https://jenkins.example/job/shop/job/web/7/");
    }

    @Test
    void second_build_waits_for_the_first() throws IOException {
        var first = build().start(pipeline("", "sh 'echo first; until [ -e go ]; do sleep 0.1; done'"));
        first.awaitLog("\nfirst");
        var second = build().start(pipeline("", "sh 'echo second'")).awaitLog(" waits at position 1, behind ");
        assertThat(second.log()).doesNotContain("\nsecond");
        Files.createFile(first.workspace().resolve("go"));
        assertThat(first.end().result()).as(first.log()).isEqualTo("SUCCESS");
        assertThat(second.end().result()).as(second.log()).isEqualTo("SUCCESS");
        assertThat(second.log()).contains("\nsecond");
    }

    @Test
    void steps_that_fail_release_as_failure() {
        var build = build().run(pipeline("", "sh 'exit 3'"));
        assertThat(build.result()).isEqualTo("FAILURE");
        assertThat(build.log()).contains("script returned exit code 3");
        assertThat(status(last())).isEqualTo("failure");
    }

    @Test
    void options_are_handed_on_whatever_they_contain() {
        var build = build().run(pipeline(", title: 'It\\'s \"7\" $HOME\\nnow', tier: 'web', lease: 60", "echo 'now'"));
        assertThat(build.result()).as(build.log()).isEqualTo("SUCCESS");
        assertThat(ShellClient.row(service, last()))
                .containsEntry("title", "It's \"7\" $HOME now")
                .containsEntry("tier", "web")
                .containsEntry("lease_seconds", 60);
    }

    @Test
    void misspelt_option_is_named_before_anything_happens() {
        var build = build().run(pipeline(", onSkipp: 'fail'", "sh 'echo mine'"));
        assertThat(build.result()).isEqualTo("FAILURE");
        assertThat(build.log()).contains("knows no option onSkipp").doesNotContain("mine");
    }

    @Test
    void lost_lock_stops_the_steps_and_fails_the_build() {
        var build = build().start(pipeline("", "sh 'echo deploying; exec sleep 60'"))
                .awaitLog("\ndeploying");
        long run = last();
        post("/api/admin/environments/" + environment + "/force-release", """
                {"confirm": "%s", "fencing_token": %s, "reason": "the test says so", "even_if_alive": true}
                """.formatted(
                        environment, column(run, "fencing_token")));
        JdbcClient.create(service.database().dataSource())
                .sql("SELECT 1")
                .query(Integer.class)
                .single();
        build.end();
        assertThat(build.result()).isEqualTo("FAILURE");
        assertThat(build.log()).contains("is lost: ").contains("script returned exit code 5");
        assertThat(status(run)).isEqualTo("preempted");
    }

    @Test
    void client_that_is_killed_stops_the_steps() {
        var build = build().start(pipeline("", "sh 'echo deploying; exec sleep 60'"))
                .awaitLog("\ndeploying");
        build.processes().stream()
                .filter(process -> process.info().commandLine().orElse("").contains("/lockkeeper run "))
                .findFirst()
                .orElseThrow()
                .destroyForcibly();
        assertThat(build.end().result()).as(build.log()).isEqualTo("FAILURE");
    }

    @Test
    void build_that_is_aborted_keeps_the_lock_until_its_steps_have_stopped() throws IOException {
        var build = build().start(pipeline("", """
                        try { sh 'echo deploying; exec sleep 60' }
                        finally { sh 'echo cleaning up; until [ -e go ]; do sleep 0.1; done; echo clean' }
                        """)).awaitLog("\ndeploying");
        long run = last();
        build.abort();
        build.awaitLog("\ncleaning up");
        assertThat(status(run)).isEqualTo("in_progress");
        Files.createFile(build.workspace().resolve("go"));
        assertThat(build.end().result()).as(build.log()).isEqualTo("ABORTED");
        assertThat(build.log()).contains("\nclean\n");
        assertThat(status(run)).isEqualTo("cancelled");
    }

    @Test
    void build_that_is_aborted_in_the_queue_leaves_it() {
        var held = hold();
        var build = build().start(pipeline("", "sh 'echo mine'")).awaitLog(" waits at position 1");
        long run = last();
        build.abort();
        assertThat(build.end().result()).as(build.log()).isEqualTo("ABORTED");
        assertThat(build.log()).doesNotContain("\nmine");
        assertThat(status(run)).isEqualTo("cancelled");
        release(held);
    }

    @Test
    void build_that_does_not_want_to_wait_fails() {
        var held = hold();
        var build = build().run(pipeline(", wait: false", "sh 'echo mine'"));
        assertThat(build.result()).isEqualTo("FAILURE");
        assertThat(build.log()).contains("script returned exit code 4").doesNotContain("\nmine");
        release(held);
    }

    @Test
    void skipped_build_says_so_and_runs_nothing() {
        var held = hold();
        var one = build().start(pipeline("", "echo 'one'")).awaitLog("position 1");
        var two = build().start(pipeline("", "echo 'two'")).awaitLog("position 2");
        var skipped = build().run(pipeline(", onSkip: 'not-built'", "sh 'echo mine'"));
        assertThat(skipped.log()).contains("is skipped: ").doesNotContain("\nmine");
        assertThat(skipped.result()).isEqualTo("NOT_BUILT");
        assertThat(skipped.current().getDescription()).startsWith("Skipped: ");
        var failed = build().run(pipeline(", onSkip: 'fail'", "sh 'echo mine'"));
        assertThat(failed.result()).isEqualTo("FAILURE");
        release(held);
        assertThat(one.end().result()).isEqualTo("SUCCESS");
        assertThat(two.end().result()).isEqualTo("SUCCESS");
    }

    @Test
    void shellcheck_finds_nothing() throws Exception {
        assumeTrue(ShellClient.succeeds("shellcheck --version"), "there is no shellcheck");
        var check = new ProcessBuilder(
                        "shellcheck",
                        Path.of("clients/jenkins/resources/io/lockkeeper/hold-lock")
                                .toString())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
    }
}
