package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.client.ShellClient.Running;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Waiting for one's turn from a shell. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class ShellQueueIT extends ShellClientFixture {

    ShellQueueIT(String shell) {
        super(shell);
    }

    @Test
    void second_terminal_names_its_blocker_once_and_then_deploys() {
        var holder = hold();
        var second = client.start("run", environment, "--", "echo", "deployed");
        second.awaitStderr(" waits at position 1, behind run " + holder.get("run_id") + " (");
        release(holder);
        assertThat(second.exitStatus()).isZero();
        assertThat(second.stdout()).isEqualTo("deployed\n");
        assertThat(second.stderr().lines())
                .satisfiesExactly(
                        waits -> assertThat(waits).contains(" waits at position 1, "),
                        holds -> assertThat(holds)
                                .startsWith("lockkeeper: run " + second.run() + " holds " + environment + " (fencing"));
    }

    @Test
    void interrupted_while_queued_leaves_the_queue_at_once() {
        var holder = hold();
        var second = client.start("run", environment, "--", "echo", "deployed");
        second.awaitStderr(" waits at position 1").signal("INT");
        assertThat(second.exitStatus()).isEqualTo(130);
        assertThat(second.stdout()).isEmpty();
        assertThat(status(second.run())).isEqualTo("cancelled");
        release(holder);
    }

    @Test
    void client_that_does_not_wait_is_told_who_is_busy() {
        var holder = hold();
        var refused = client.run("run", "-n", environment, "--", "echo", "deployed");
        assertThat(refused.exitStatus()).isEqualTo(4);
        assertThat(refused.stdout()).isEmpty();
        assertThat(refused.stderr()).contains("run " + holder.get("run_id"));
    }

    @Test
    void client_that_waited_too_long_gives_up() {
        hold();
        var late = client.run("run", "--wait", "1", environment, "--", "echo", "deployed");
        assertThat(late.exitStatus()).isEqualTo(4);
        assertThat(late.stdout()).isEmpty();
        assertThat(status(late.run())).isEqualTo("timed_out");
    }

    @Test
    void run_that_an_admin_takes_out_of_the_queue_is_refused() {
        hold();
        var waiting = client.start("run", environment, "--", "echo", "deployed");
        waiting.awaitStderr(" waits at position 1");
        client.run("cancel", waiting.run() + "", "--reason", "not today");
        assertThat(waiting.exitStatus()).isEqualTo(6);
        assertThat(waiting.stdout()).isEmpty();
    }

    /** The design's section 5: A, B and C, and D which is skipped at three pending; C deploys latest. */
    @Test
    void last_queued_run_deploys_the_skipped_change_when_it_takes_the_latest() {
        var play = new Play("--coverage", "latest");
        assertThat(play.skipped.stderr())
                .contains("run " + play.skipped.run() + " is skipped")
                .contains("run " + play.c.run());
        assertThat(column(play.skipped.run(), "covered")).isEqualTo(true);
        play.finish();
        assertThat(play.c.stdout()).isEqualTo("deploys D\n");
        assertThat(column(play.skipped.run(), "shipped_by")).isEqualTo(play.c.run());
        assertThat(client.run("status", environment).stdout()).doesNotContain("undeployed");
    }

    @Test
    void skipped_change_of_a_pinned_run_is_listed_as_undeployed() {
        var play = new Play("--coverage", "pinned");
        assertThat(column(play.skipped.run(), "covered")).isEqualTo(false);
        var fifth = client.start("run", environment, "--no-batch", "--", "true");
        fifth.awaitStderr(" waits at position 3");
        play.finish();
        assertThat(play.c.stdout()).isEqualTo("deploys C\n");
        assertThat(fifth.exitStatus()).isZero();
        assertThat(client.run("status", environment).stdout()).containsPattern("undeployed +.*\\bD\\b");
    }

    @Test
    void on_skip_says_what_a_skip_means() {
        var play = new Play("--coverage", "pinned");
        assertThat(play.skipped.exitStatus()).isZero();
        assertThat(play.skipped.stdout()).isEmpty();
        var failing = client.run("run", environment, "--on-skip", "fail", "--", "echo", "deployed");
        assertThat(failing.exitStatus()).isEqualTo(7);
        assertThat(failing.stdout()).isEmpty();
        assertThat(client.run("check-queue", environment).exitStatus()).isEqualTo(7);
        var running = client.start("run", environment, "--on-skip", "run", "--", "echo", "deployed");
        running.awaitStderr(" waits at position 3");
        play.finish();
        assertThat(running.exitStatus()).isZero();
        assertThat(running.stdout()).isEqualTo("deployed\n");
        assertThat(client.run("check-queue", environment).exitStatus()).isZero();
    }

    @Test
    void several_environments_are_locked_together() {
        String other = environment + "-other";
        var deployment = client.start(
                "run",
                other + "," + environment,
                "--",
                "sh",
                "-c",
                "echo $LOCKKEEPER_ENVIRONMENT; read line || sleep 1");
        deployment.awaitStdout(other + "," + environment);
        for (String each : List.of(environment, other)) {
            assertThat(client.run("run", "-n", each, "--", "true").exitStatus()).isEqualTo(4);
        }
        assertThat(deployment.exitStatus()).isZero();
    }

    @Test
    void job_that_acquires_and_jobs_that_wait_heartbeat_and_release_are_different_processes() {
        Map<String, String> holder = hold();
        var acquiring = client.start("acquire", environment, "--lease", "60");
        acquiring.awaitStderr(" waits at position 1");
        release(holder);
        assertThat(acquiring.exitStatus()).isZero();
        Map<String, String> answer = acquiring.answer();
        assertThat(answer).containsEntry("outcome", "granted").containsEntry("lease_seconds", "60");

        client.set("LOCKKEEPER_LOCK_TOKEN", answer.getOrDefault("lock_token", ""));
        assertThat(client.run("wait").answer()).containsEntry("outcome", "granted");
        assertThat(client.run("heartbeat", answer.getOrDefault("run_id", "")).answer())
                .containsEntry("cancel_requested", "false");
        assertThat(client.run("release", "--sha", "a1b2c3d").answer()).containsEntry("status", "success");
        var late = client.run("heartbeat");
        assertThat(late.exitStatus()).isEqualTo(5);
        assertThat(client.run("status", environment).stdout()).contains("a1b2c3d");
    }

    @Test
    void waiting_for_a_run_has_its_own_limit_and_leaves_the_run_in_its_place() {
        var holder = hold();
        var queued = post("/api/environments/" + environment + "/acquire", "");
        client.set("LOCKKEEPER_LOCK_TOKEN", queued.getOrDefault("lock_token", ""));
        assertThat(client.run("wait", "--wait", "1").exitStatus()).isEqualTo(4);
        assertThat(status(Long.parseLong(queued.getOrDefault("run_id", "")))).isEqualTo("queued");
        var waiting = client.start("wait");
        waiting.awaitStderr(" waits at position 1");
        release(holder);
        assertThat(waiting.exitStatus()).isZero();
        assertThat(waiting.answer()).containsEntry("outcome", "granted").containsEntry("run_id", queued.get("run_id"));
    }

    /** A holds the lock, B and C are queued, D is skipped. */
    private final class Play {
        private final Map<String, String> a = hold("--sha", "A");
        private final Running b = deploy("B", "--coverage", "pinned");
        private final Running c;
        private final Running skipped;

        Play(String... coverageOfC) {
            b.awaitStderr(" waits at position 1");
            c = deploy("C", coverageOfC);
            c.awaitStderr(" waits at position 2");
            skipped = deploy("D", "--coverage", "latest");
            assertThat(skipped.exitStatus()).isZero();
            assertThat(status(skipped.run())).isEqualTo("skipped");
        }

        void finish() {
            release(a);
            assertThat(b.exitStatus()).isZero();
            assertThat(c.exitStatus()).isZero();
            assertThat(b.stdout()).isEqualTo("deploys B\n");
            assertThat((Timestamp) column(b.run(), "completed_at"))
                    .isBeforeOrEqualTo((Timestamp) column(c.run(), "granted_at"));
        }

        private Running deploy(String sha, String... coverage) {
            return client.start(arguments(
                    new String[] {"--sha", sha, "--", "sh", "-c", "echo deploys $LOCKKEEPER_DEPLOY_SHA"},
                    arguments(coverage, "run", environment)));
        }
    }
}
