package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static io.lockkeeper.client.ShellClient.lives;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code lockkeeper run}: what the command is given, and how it may end. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class ShellRunIT extends ShellClientFixture {

    ShellRunIT(String shell) {
        super(shell);
    }

    @Test
    void successful_script_ends_its_run_as_success() {
        var deployment = client.run("run", environment, "--", "true");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(status(deployment.run())).isEqualTo("success");
    }

    @Test
    void failing_script_ends_its_run_as_failure_and_its_exit_status_passes_through() {
        var deployment = client.run("run", environment, "--", "sh", "-c", "exit 9");
        assertThat(deployment.exitStatus()).isEqualTo(9);
        assertThat(status(deployment.run())).isEqualTo("failure");
    }

    @Test
    void command_that_does_not_exist_is_a_failure_as_well() {
        var deployment = client.run("run", environment, "--", "no-such-command");
        assertThat(deployment.exitStatus()).isEqualTo(127);
        assertThat(status(deployment.run())).isEqualTo("failure");
    }

    @Test
    void script_that_is_killed_is_a_failure_and_releases_at_once() {
        var deployment = client.run("run", environment, "--", "sh", "-c", "kill -9 $$");
        assertThat(deployment.exitStatus()).isEqualTo(137);
        assertThat(status(deployment.run())).isEqualTo("failure");
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void interrupted_script_gets_the_signal_and_its_run_is_cancelled_at_once(String signal, int exitStatus)
            throws IOException {
        assumeFalse(isIgnored(signal), "no shell can trap a signal that is ignored when it starts");
        var deployment = client.start(
                "run",
                environment,
                "--",
                "sh",
                "-c",
                "trap 'echo caught " + signal + "; exit 1' " + signal + "; echo ready; while :; do sleep 0.1; done");
        deployment.awaitStdout("ready").signal(signal);
        assertThat(deployment.exitStatus()).isEqualTo(exitStatus);
        assertThat(deployment.stdout()).isEqualTo("ready\ncaught " + signal + "\n");
        assertThat(status(deployment.run())).isEqualTo("cancelled");
    }

    /** A signal that is ignored when a shell starts stays ignored in it and in its children (POSIX, trap). */
    private static boolean isIgnored(String signal) throws IOException {
        int number = List.of("HUP", "INT").indexOf(signal);
        Path status = Path.of("/proc/self/status");
        return number >= 0
                && Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .anyMatch(line ->
                                (Long.parseUnsignedLong(line.substring(7).strip(), 16) >> number & 1) != 0);
    }

    @Test
    void whatever_the_script_started_is_interrupted_with_it() {
        var deployment = client.start("run", environment, "--", "sh", "-c", "sleep 1000 & echo $!; wait");
        deployment.awaitStdout("\n").signal("TERM");
        assertThat(deployment.exitStatus()).isEqualTo(143);
        long child = Long.parseLong(deployment.stdout().strip());
        await("the end of the script's child", () -> !lives(child));
    }

    @Test
    void second_INT_kills_a_script_that_ignores_the_first() throws IOException {
        assumeFalse(isIgnored("INT"), "no shell can trap a signal that is ignored when it starts");
        var deployment = client.start(
                "run",
                environment,
                "--",
                "sh",
                "-c",
                "trap 'echo not yet' INT; echo ready; while :; do sleep 0.1; done");
        deployment.awaitStdout("ready").signal("INT");
        long first = System.nanoTime();
        deployment.awaitStdout("not yet");
        await("a moment: two at once would be one signal sent twice", () -> System.nanoTime() - first > 500_000_000);
        deployment.signal("INT");
        assertThat(deployment.exitStatus()).isEqualTo(130);
        assertThat(status(deployment.run())).isEqualTo("cancelled");
    }

    @Test
    void stdin_and_stdout_are_the_commands() {
        String input = "one\ntwo \\ \"three\"\n\tno newline at the end";
        var deployment = client.startWithInput(input, "run", environment, "--", "cat");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(deployment.stdout()).isEqualTo(input);
    }

    @Test
    void arguments_reach_the_command_as_they_are() {
        var deployment = client.run(
                "run",
                environment,
                "--",
                "sh",
                "-c",
                "printf '<%s>' \"$@\"",
                "sh",
                "",
                "a  b",
                "*",
                "--",
                "$HOME",
                "\"");
        assertThat(deployment.stdout()).isEqualTo("<><a  b><*><--><$HOME><\">");
    }

    @Test
    void command_is_told_its_run_and_its_lock() {
        var deployment = client.run(
                "run",
                environment,
                "--sha",
                "a1b2c3d",
                "--",
                "sh",
                "-c",
                "echo $LOCKKEEPER_RUN_ID $LOCKKEEPER_ENVIRONMENT $LOCKKEEPER_FENCING_TOKEN $LOCKKEEPER_DEPLOY_SHA;"
                        + " echo $LOCKKEEPER_LOCK_TOKEN");
        long run = deployment.run();
        List<String> lines = deployment.stdout().lines().toList();
        assertThat(lines.getFirst())
                .isEqualTo(run + " " + environment + " " + column(run, "fencing_token") + " a1b2c3d");
        assertThat(lines.get(1)).startsWith(run + ".");
    }

    @Test
    void command_that_reports_by_itself_is_not_contradicted() {
        String script = "sh " + System.getProperty("user.dir") + "/clients/shell/lockkeeper release --status failure";
        var deployment = client.run("run", "--quiet", environment, "--", "sh", "-c", script);
        assertThat(deployment.exitStatus()).isZero();
        assertThat(deployment.stdout()).contains("status=failure");
    }

    @Test
    void quiet_client_says_nothing() {
        var deployment = client.run("run", "-q", environment, "--", "echo", "deployed");
        assertThat(deployment.stdout()).isEqualTo("deployed\n");
        assertThat(deployment.stderr()).isEmpty();
    }

    @Test
    void admin_who_cancels_a_holder_stops_its_command() {
        var deployment = client.start(
                "run",
                environment,
                "--lease",
                "6",
                "--",
                "sh",
                "-c",
                "trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.1; done");
        deployment.awaitStdout("ready");
        assertThat(client.run("cancel", deployment.run() + "").exitStatus()).isZero();
        assertThat(deployment.exitStatus()).isEqualTo(6);
        assertThat(deployment.stdout()).isEqualTo("ready\nstopping\n");
        assertThat(deployment.stderr()).contains("somebody asks run " + deployment.run() + " to stop");
        assertThat(status(deployment.run())).isEqualTo("cancelled");
    }

    @Test
    void grace_ends_with_a_KILL() {
        var deployment = client.start(
                "run",
                environment,
                "--lease",
                "6",
                "--grace",
                "1",
                "--",
                "sh",
                "-c",
                "trap '' TERM; echo $$; sleep 1000");
        deployment.awaitStdout("\n");
        client.run("cancel", deployment.run() + "");
        assertThat(deployment.exitStatus()).isEqualTo(6);
        assertThat(lives(Long.parseLong(deployment.stdout().strip()))).isFalse();
    }

    @Test
    void neither_token_is_to_be_seen_in_the_list_of_processes() {
        var deployment = client.start(
                "run", environment, "--lease", "5", "--", "sh", "-c", "echo $LOCKKEEPER_LOCK_TOKEN; sleep 3");
        String lockToken = deployment.awaitStdout("\n").stdout().strip();
        var waiting = client.start("run", environment, "--", "true");
        while (deployment.process().isAlive() || waiting.process().isAlive()) {
            Stream.of(deployment, waiting)
                    .flatMap(running -> Stream.concat(
                            Stream.of(running.process().toHandle()),
                            running.process().descendants()))
                    .flatMap(process -> process.info().arguments().stream())
                    .flatMap(Arrays::stream)
                    .forEach(argument -> assertThat(argument)
                            .doesNotContain(service.adminToken())
                            .doesNotContain(lockToken));
        }
    }
}
