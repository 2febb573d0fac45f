package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The client's words: options, answers, messages, exit statuses. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class ShellVerbsIT extends ShellClientFixture {

    ShellVerbsIT(String shell) {
        super(shell);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run e --nonsense -- true      | unknown option --nonsense
                    status --grace 5              | unknown option --grace
                    run e --wait soon -- true     | option --wait needs a number
                    run e --lease                 | option --lease needs a value
                    run e --quiet=yes -- true     | option --quiet takes no value
                    run e --coverage some -- true | option --coverage knows pinned, latest
                    run e                         | which command?
                    run -- true                   | which environment?
                    run e echo                    | unexpected argument echo
                    run UPPER -- true             | "UPPER" is no environment's name
                    run ../admin -- true          | "../admin" is no environment's name
                    run a,,b -- true              | "a,,b" is no environment's name
                    run e --lease 2 -- true       | --lease must be between 5 and 86400
                    heartbeat                     | which run?
                    dance                         | unknown verb dance
                    """)
    void misuse_is_named_and_exits_with_2(String arguments, String message) {
        var misused = client.run(arguments.split(" "));
        assertThat(misused.exitStatus()).as(misused.stderr()).isEqualTo(2);
        assertThat(misused.stderr()).contains(message);
        assertThat(misused.stdout()).isEmpty();
    }

    @Test
    void options_stand_before_or_after_the_environment_and_take_their_value_either_way() {
        for (String line : new String[] {
            "run --sha=abc --title t E -- true",
            "run E --sha abc --title=t -- true",
            "run --sha abc E --title t -- true"
        }) {
            var deployment = client.run(line.replace("E", environment).split(" "));
            assertThat(deployment.exitStatus()).isZero();
            assertThat(column(deployment.run(), "sha")).isEqualTo("abc");
            assertThat(column(deployment.run(), "title")).isEqualTo("t");
        }
    }

    @Test
    void wrong_token_exits_with_3() {
        var refused = client.set("LOCKKEEPER_TOKEN", "lkt_wrong").run("run", environment, "--", "echo", "deployed");
        assertThat(refused.exitStatus()).isEqualTo(3);
        assertThat(refused.stdout()).isEmpty();
    }

    @Test
    void missing_or_damaged_token_exits_with_3_before_any_call() {
        client.unset("LOCKKEEPER_TOKEN");
        assertThat(client.run("status").stderr()).contains("no API token");
        for (String damaged : new String[] {"two\nlines", "with\"quote", "with\\backslash", "with space"}) {
            var refused = client.set("LOCKKEEPER_TOKEN", damaged).run("status");
            assertThat(refused.exitStatus()).isEqualTo(3);
            assertThat(refused.stderr()).contains("API token").doesNotContain(damaged);
        }
        assertThat(client.run("status", "--token-file", "missing").exitStatus()).isEqualTo(3);
    }

    @Test
    void token_comes_from_a_file_or_from_the_service_of_this_directory() {
        client.unset("LOCKKEEPER_TOKEN");
        client.write("token", service.adminToken() + "\n");
        assertThat(client.run("status", "--token-file", "token").exitStatus()).isZero();
        client.set("LOCKKEEPER_TOKEN_FILE", "token");
        assertThat(client.run("status").exitStatus()).isZero();
        client.unset("LOCKKEEPER_TOKEN_FILE");
        client.write(".lockkeeper/admin-token", service.adminToken() + "\n");
        assertThat(client.run("status").exitStatus()).isZero();
        assertThat(client.run("status", "--url", "http://elsewhere.invalid").exitStatus())
                .isEqualTo(3);
    }

    @Test
    void no_server_exits_with_8_and_runs_nothing() throws IOException {
        int port;
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        client.set("LOCKKEEPER_URL", "http://localhost:" + port);
        var unreachable = client.run("run", environment, "--", "echo", "deployed");
        assertThat(unreachable.exitStatus()).isEqualTo(8);
        assertThat(unreachable.stdout()).isEmpty();
        assertThat(unreachable.stderr()).contains("is not reachable");
        assertThat(client.run("status").exitStatus()).isEqualTo(8);
    }

    @Test
    void other_services_are_not_taken_for_lockkeeper() {
        var misled = client.run("status", "--url", service.url() + "/actuator/health");
        assertThat(misled.exitStatus()).isEqualTo(3);
    }

    @Test
    void acquire_whose_answer_was_lost_is_repeated_and_makes_no_second_run() throws Exception {
        try (var proxy = new ServerSocket(0)) {
            var forgetful = new Thread(() -> forwardForgettingTheFirstAnswer(proxy));
            forgetful.start();
            client.set("LOCKKEEPER_URL", "http://localhost:" + proxy.getLocalPort());
            var deployment = client.run("run", environment, "--", "echo", "deployed");
            assertThat(deployment.exitStatus()).isZero();
            assertThat(deployment.stderr()).contains("trying again");
            assertThat(client.run("status", environment, "--url", service.url().toString())
                            .stdout())
                    .contains("free");
        }
    }

    /** Invariant 8, from one job to the next: their processes, machines and links differ, and their requests must not. */
    @Test
    void jobs_with_the_same_key_get_the_same_run_and_lock_token() {
        var key = "gitlab-" + environment;
        client.set("GITLAB_CI", "true").set("CI_PIPELINE_URL", "https://gitlab.example/shop/web/-/pipelines/7");
        client.set("CI_JOB_URL", "https://gitlab.example/shop/web/-/jobs/41");
        var first = client.run("acquire", environment, "--idempotency-key", key);
        assertThat(first.exitStatus()).as(first.stderr()).isZero();
        client.set("CI_JOB_URL", "https://gitlab.example/shop/web/-/jobs/42");
        var second = client.run("acquire", environment, "--idempotency-key=" + key);
        assertThat(second.answer())
                .containsEntry("outcome", "granted")
                .containsEntry("run_id", first.answer().get("run_id"))
                .containsEntry("lock_token", first.answer().get("lock_token"));
        assertThat(column(first.run(), "run_url")).isEqualTo("https://gitlab.example/shop/web/-/pipelines/7");

        var another = client.run("acquire", environment, "--idempotency-key", key, "--tier", "web");
        assertThat(another.exitStatus()).isEqualTo(3);
        assertThat(another.stderr()).contains("dempotency");
        release(second.answer());
        var late = client.run("acquire", environment, "--idempotency-key", key);
        assertThat(late.exitStatus()).isEqualTo(4);
        assertThat(late.stderr()).contains("has ended as success");
        assertThat(client.run("acquire", environment, "--idempotency-key", "two\nlines")
                        .exitStatus())
                .isEqualTo(2);
    }

    @Test
    void people_see_what_the_caller_said_whatever_it_contains() {
        String title = "Grüße \"quoted\" back\\slash\ttab\nline " + "é".repeat(400);
        var deployment = client.run(
                "run",
                environment,
                "--title",
                title,
                "--tier",
                "1-lightning",
                "--",
                "sh",
                "-c",
                "true # " + "x".repeat(3000));
        assertThat(deployment.exitStatus()).as(deployment.stderr()).isZero();
        String seen = column(deployment.run(), "title").toString();
        assertThat(seen).startsWith("Gr").contains(" \"quoted\" back\\slash tab line ");
        assertThat(seen.getBytes(StandardCharsets.UTF_8).length).isBetween(300, 500);
        assertThat(column(deployment.run(), "tier")).isEqualTo("1-lightning");
        assertThat(column(deployment.run(), "command").toString())
                .startsWith("sh -c true # xxx")
                .hasSize(2000);
        assertThat(column(deployment.run(), "source")).isEqualTo("shell");
        assertThat(column(deployment.run(), "pid"))
                .isEqualTo((int) deployment.process().pid());
    }

    @Test
    void ci_systems_describe_the_run() {
        client.set("GITHUB_RUN_ID", "77")
                .set("GITHUB_RUN_NUMBER", "5")
                .set("GITHUB_WORKFLOW", "Deploy")
                .set("GITHUB_SHA", "a1b2c3d")
                .set("GITHUB_REF", "refs/heads/main")
                .set("GITHUB_REPOSITORY", "acme/shop")
                .set("GITHUB_ACTOR", "alice");
        long run = client.run("run", environment, "--", "true").run();
        assertThat(column(run, "sha")).isEqualTo("a1b2c3d");
        assertThat(column(run, "ref")).isEqualTo("refs/heads/main");
        assertThat(column(run, "repository")).isEqualTo("acme/shop");
        assertThat(column(run, "title")).isEqualTo("Deploy #5");
        assertThat(column(run, "user_name")).isEqualTo("alice");
        assertThat(column(run, "run_url")).isEqualTo("https://github.com/acme/shop/actions/runs/77");
    }

    @Test
    void json_is_the_services_own() {
        var acquired = client.run("acquire", "--json", environment);
        assertThat(acquired.stdout()).startsWith("{\"outcome\":\"granted\"").contains("\"lock_token\":\"");
        assertThat(client.run("status", "--json", environment).stdout())
                .startsWith("{")
                .contains("\"last_deployment\":");
        assertThat(client.run("check-queue", "--json", environment).stdout()).contains("\"should_skip\":false");
        var refused = client.run("cancel", "999999999", "--json");
        assertThat(refused.exitStatus()).isEqualTo(2);
        assertThat(refused.stdout()).contains("\"code\":\"run-unknown\"");
    }

    @Test
    void status_is_for_people() {
        client.run("run", environment, "--sha", "a1b2c3d", "--", "true");
        assertThat(client.run("status", environment).stdout())
                .startsWith(environment + ": free\n")
                .contains("a1b2c3d");
        var deployment = client.start("run", environment, "--", "sleep", "2");
        deployment.awaitStderr(" holds ");
        var waiting = client.start("run", environment, "--", "true");
        waiting.awaitStderr(" waits at position 1");
        assertThat(client.run("status", environment).stdout())
                .startsWith(environment + ": locked by ")
                .contains("(run " + deployment.run() + ", since ")
                .containsPattern("command +sleep 2\n")
                .containsPattern("queue +1\\. run " + waiting.run() + " ");
        assertThat(waiting.exitStatus()).isZero();
    }

    @Test
    void help_is_what_the_documentation_shows() throws IOException {
        var help = client.run("help");
        assertThat(help.exitStatus()).isZero();
        assertThat(Files.readString(Path.of("docs/shell-client.md"))).contains("```text\n" + help.stdout() + "```");
        assertThat(client.run("run", "--help").stdout()).isEqualTo(help.stdout());
        assertThat(client.run("version").stdout()).startsWith("lockkeeper ");
    }

    @Test
    void shellcheck_finds_nothing() throws Exception {
        assumeTrue(ShellClient.succeeds("shellcheck --version"), "shellcheck is not installed");
        var check = new ProcessBuilder("shellcheck", "clients/shell/lockkeeper")
                .redirectErrorStream(true)
                .start();
        assertThat(new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(check.waitFor()).isZero();
    }

    @Test
    void half_a_download_does_nothing() throws IOException {
        assertThat(Files.readString(Path.of("clients/shell/lockkeeper"))).endsWith("\nmain \"$@\"\n");
    }

    /** A proxy that reads the service's first answer and hangs up on the client instead of passing it on. */
    private void forwardForgettingTheFirstAnswer(ServerSocket proxy) {
        boolean forget = true;
        while (true) {
            try (Socket near = proxy.accept();
                    Socket far = new Socket("localhost", service.port())) {
                far.getOutputStream().write(request(near.getInputStream()));
                byte[] answer = far.getInputStream().readAllBytes();
                if (!forget) {
                    near.getOutputStream().write(answer);
                }
                forget = false;
            } catch (IOException e) {
                return; // The test is over.
            }
        }
    }

    /** One request, changed so that the service closes the connection after its answer. */
    private static byte[] request(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            head.append((char) in.read());
        }
        var length = Pattern.compile("(?i)content-length: (\\d+)").matcher(head);
        byte[] body = length.find() ? in.readNBytes(Integer.parseInt(length.group(1))) : new byte[0];
        String changed = head.toString().replaceFirst("\r\n", "\r\nConnection: close\r\n");
        return (changed + new String(body, StandardCharsets.ISO_8859_1)).getBytes(StandardCharsets.ISO_8859_1);
    }
}
