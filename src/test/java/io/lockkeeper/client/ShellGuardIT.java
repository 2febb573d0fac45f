package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.lives;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No command goes on without somebody who watches its lease, whatever it does to this machine, whoever sends signals and whatever the service
 * answers. The service here is one that says what a test wants, and writes down what it was asked.
 */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class ShellGuardIT {
    /** Longer than a lease of 5 seconds, in steps that can be counted. */
    private static final String EIGHT_SECONDS =
            "i=0; while [ $i -lt 40 ]; do sleep 0.2; i=$((i + 1)); echo tick $i; done";

    @TempDir
    Path directory;

    private final String shell;
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile String lease = "5";
    private volatile String more = "";
    private volatile boolean hears = true;
    private HttpServer service;
    private ShellClient client;

    @SuppressWarnings("NullAway.Init") // Set before each test.
    ShellGuardIT(String shell) {
        this.shell = shell;
    }

    @BeforeEach
    void connect() throws IOException {
        service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        service.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        service.createContext("/", this::answer);
        service.start();
        client = new ShellClient(
                shell, directory, "http://localhost:" + service.getAddress().getPort(), "token");
    }

    @AfterEach
    void disconnect() {
        service.stop(0);
        assertThat(client.leftovers()).isEmpty();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
            requests.add(path.substring(path.lastIndexOf('/') + 1) + " " + body);
            boolean heard = hears || !path.endsWith("/heartbeat");
            byte[] text = ("outcome=granted\nrun_id=7\nlock_token=7.secret\nfencing_token=3\nlease_seconds=" + lease
                            + "\n" + more)
                    .getBytes(UTF_8);
            exchange.sendResponseHeaders(heard ? 200 : 503, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    private List<String> releases() {
        return requests.stream()
                .filter(request -> request.startsWith("release"))
                .toList();
    }

    private static final String SUCCESS = "release {\"status\":\"success\"}";
    private static final String FAILURE = "release {\"status\":\"failure\"}";
    private static final String CANCELLED = "release {\"status\":\"cancelled\"}";

    @Test
    void command_that_clears_TMPDIR_is_heartbeaten_and_its_run_is_released() {
        var deployment = client.run("run", "production", "--", "sh", "-c", "rm -rf \"$TMPDIR\"/*; " + EIGHT_SECONDS);
        assertThat(deployment.stderr()).doesNotContain("lease of run 7 is lost");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(deployment.stdout()).endsWith("tick 40\n");
        assertThat(releases()).containsExactly(SUCCESS);
    }

    @Test
    void guard_that_is_dismissed_just_as_it_wakes_up_by_itself_takes_it_as_dismissal() {
        assumeTrue(shell.equals("bash"), "only bash takes functions from its environment");
        // The child that the guard sleeps by is gone before it can be killed, each time.
        client.set("BASH_FUNC_kill%%", "() { builtin kill \"$@\" && [ \"$1\" != -9 ]; }");

        var deployment = client.run("run", "production", "--", "true");

        assertThat(deployment.stderr()).doesNotContain("guard");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(releases()).containsExactly(SUCCESS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rm -rf \"$TMPDIR\"/*", "true"})
    void command_that_clears_TMPDIR_and_one_that_does_not_are_stopped_when_the_lease_is_lost(String clearing) {
        var deployment =
                client.start("run", "production", "--", "sh", "-c", clearing + "; echo ready; " + EIGHT_SECONDS);
        deployment.awaitStdout("ready");
        hears = false;
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(deployment.stdout()).doesNotContain("tick 40");
        assertThat(deployment.stderr()).contains("the lease of run 7 is lost");
        assertThat(releases()).containsExactly(FAILURE);
    }

    @ParameterizedTest
    @CsvSource({"true, 0, success", "false, 5, failure"})
    void full_TMPDIR_changes_nothing(boolean heard, int exitStatus, String end) throws IOException {
        Path small = Files.createDirectory(directory.resolve("small"));
        assumeTrue(
                ShellClient.succeeds("mount -t tmpfs -o size=64k tmpfs " + small), "only root can make a file system");
        try {
            hears = heard;
            client.set("TMPDIR", small.toString());
            String filling = "cat /dev/zero >\"$TMPDIR\"/full 2>/dev/null; ";
            var deployment = client.run("run", "production", "--", "sh", "-c", filling + EIGHT_SECONDS);
            assertThat(deployment.exitStatus()).isEqualTo(exitStatus);
            assertThat(deployment.stdout().contains("tick 40")).isEqualTo(heard);
            assertThat(releases()).containsExactly("release {\"status\":\"" + end + "\"}");
        } finally {
            ShellClient.succeeds("umount " + small);
        }
    }

    @Test
    void command_of_which_the_guard_was_killed_is_stopped() {
        var deployment = client.start(
                "run",
                "production",
                "--grace",
                "1",
                "--",
                "sh",
                "-c",
                "trap 'echo asked' TERM; echo $$; while :; do sleep 0.1; done");
        long command = Long.parseLong(deployment.awaitStdout("\n").stdout().strip());
        killAll(guards(deployment, command));
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(deployment.stdout()).isEqualTo(command + "\nasked\n");
        assertThat(deployment.stderr()).contains("the guard of run 7 failed");
        assertThat(lives(command)).isFalse();
        assertThat(releases()).containsExactly(FAILURE);
    }

    private static List<ProcessHandle> guards(ShellClient.Running deployment, long command) {
        return deployment
                .process()
                .children()
                .filter(child -> child.pid() != command)
                .toList();
    }

    private static void killAll(List<ProcessHandle> processes) {
        assertThat(processes).isNotEmpty();
        processes.forEach(ProcessHandle::destroyForcibly);
    }

    /** The guard cannot fork any more. How many processes a user may have is limited for all but root. */
    @Test
    void command_that_takes_all_processes_is_stopped() {
        String limited = "setpriv --reuid=54321 --clear-groups prlimit --nproc=40:40";
        assumeTrue(ShellClient.succeeds(limited + " true"), "only root can become a user with few processes");
        assumeTrue(!shell.equals("bash"), "bash tries to fork for a while before it gives up");
        assertThat(ShellClient.succeeds("chmod -R a+rwX " + directory)).isTrue();
        client.through(limited.split(" "));
        var deployment = client.run(
                "run",
                "production",
                "--",
                "sh",
                "-c",
                "trap 'echo asked; exit 0' TERM; (i=0; while [ $i -lt 100 ]; do sleep 100 & i=$((i + 1)); done) 2>/dev/null;"
                        + " while :; do :; done");
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(deployment.stdout()).isEqualTo("asked\n");
        assertThat(deployment.stderr()).contains("the guard of run 7 failed");
        assertThat(releases()).containsExactly(FAILURE);
    }

    @Test
    void guard_minds_no_signal() {
        var deployment = client.start(
                "run",
                "production",
                "--",
                "sh",
                "-c",
                "echo $$; until [ -e go ]; do sleep 0.1; done; " + EIGHT_SECONDS);
        long command = Long.parseLong(deployment.awaitStdout("\n").stdout().strip());
        List<ProcessHandle> guards = guards(deployment, command);
        for (String signal : List.of("USR1", "USR2", "ALRM", "QUIT", "PIPE", "TERM", "INT", "HUP", "TSTP")) {
            guards.forEach(guard -> ShellClient.succeeds("kill -" + signal + " " + guard.pid()));
        }
        hears = false;
        client.write("go", "");
        assertThat(guards).isNotEmpty();
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(deployment.stdout()).doesNotContain("tick 40");
        assertThat(deployment.stderr()).contains("the lease of run 7 is lost");
    }

    @Test
    void stop_key_does_not_stop_who_heartbeats() {
        // Only in a group with a parent outside does the signal of Ctrl-Z stop anybody.
        assumeTrue(ShellClient.succeeds("perl -e 1"), "needs perl to make a group of processes");
        client.through("perl", "-e", "if ($p = fork) { waitpid $p, 0; exit $? >> 8 } setpgrp; exec @ARGV");
        var deployment = client.start("run", "production", "--", "sh", "-c", "echo ready; " + EIGHT_SECONDS);
        deployment.awaitStdout("ready");
        long group = deployment.process().children().findFirst().orElseThrow().pid();
        assertThat(ShellClient.succeeds("kill -TSTP -" + group)).isTrue();
        assertThat(deployment.exitStatus()).isZero();
        assertThat(requests)
                .filteredOn(request -> request.startsWith("heartbeat"))
                .hasSizeGreaterThan(2);
        assertThat(releases()).containsExactly(SUCCESS);
    }

    @ParameterizedTest
    @CsvSource({"USR1", "USR2"})
    void signals_that_mean_something_to_the_command_reach_it(String signal) {
        var deployment = client.start(
                "run",
                "production",
                "--",
                "sh",
                "-c",
                "trap 'echo caught; exit 0' " + signal + "; echo ready; while :; do sleep 0.1; done");
        deployment.awaitStdout("ready").signal("ALRM");
        deployment.signal(signal);
        assertThat(deployment.exitStatus()).isZero();
        assertThat(deployment.stdout()).isEqualTo("ready\ncaught\n");
        assertThat(releases()).containsExactly(SUCCESS);
    }

    @Test
    void QUIT_is_passed_on_and_the_run_is_cancelled() {
        assumeTrue(ShellClient.succeeds("env --default-signal=QUIT true"), "whoever runs the build may ignore QUIT");
        var deployment = client.start(
                "run",
                "production",
                "--",
                "sh",
                "-c",
                "trap 'echo caught; exit 0' QUIT; echo ready; while :; do sleep 0.1; done");
        deployment.awaitStdout("ready").signal("QUIT");
        assertThat(deployment.exitStatus()).isEqualTo(131);
        assertThat(deployment.stdout()).isEqualTo("ready\ncaught\n");
        assertThat(releases()).containsExactly(CANCELLED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PATH[$(touch pwned)0]", "", "0", "08", "-5", "1e3", "12345678901234567890", "5 + 5"})
    void lease_that_is_no_length_of_time_is_given_back(String odd) {
        lease = odd;
        var deployment = client.run("run", "production", "--", "touch", "deployed");
        assertThat(directory.resolve("pwned")).doesNotExist();
        assertThat(directory.resolve("deployed")).doesNotExist();
        assertThat(deployment.exitStatus()).isEqualTo(3);
        assertThat(deployment.stderr()).contains("a lease of \"" + odd + "\" seconds, which is no length of time");
        assertThat(releases()).containsExactly(CANCELLED);
    }

    @Test
    void heartbeat_with_an_odd_lease_counts_as_none() {
        var deployment = client.start("run", "production", "--", "sh", "-c", "echo ready; " + EIGHT_SECONDS);
        deployment.awaitStdout("ready");
        lease = "PATH[$(touch pwned)0]";
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(directory.resolve("pwned")).doesNotExist();
        assertThat(deployment.stdout()).doesNotContain("tick 40");
    }

    @Test
    void looking_counts_with_nothing_but_numbers() {
        more = """
                environment=production
                lock_status=locked
                holder_user=mallory
                holder_run_id=7
                holder_alive=true
                holder_duration_seconds=PATH[$(touch pwned)0]
                holder_fencing_token=1,"x":2
                """;
        assertThat(client.run("status", "production").stdout()).contains("locked by mallory (run 7");
        assertThat(client.run(
                                "force-release",
                                "production",
                                "--yes",
                                "--confirm",
                                "production",
                                "--reason",
                                "why not",
                                "--even-if-alive")
                        .exitStatus())
                .isEqualTo(3);
        assertThat(directory.resolve("pwned")).doesNotExist();
        assertThat(requests).noneMatch(request -> request.startsWith("force-release"));
    }
}
