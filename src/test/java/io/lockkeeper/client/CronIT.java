package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The recipes for cron and ssh, in an environment as empty as cron's. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class CronIT extends ShellClientFixture {
    private static final Path RECIPES = Path.of("clients/cron").toAbsolutePath();
    private static final int PATIENCE_SECONDS = 40;

    private final String shell;
    private final List<String> set = new ArrayList<>();
    private int started;

    CronIT(String shell) {
        super(shell);
        this.shell = shell;
    }

    /** The client and the recipes are on the path, started by the shell that is tested; ssh is a shell on this machine. */
    @BeforeEach
    void install() throws IOException {
        var bin = Files.createDirectory(directory.resolve("bin"));
        program(
                bin.resolve("lockkeeper"),
                "exec " + shell + " " + Path.of("clients/shell/lockkeeper").toAbsolutePath() + " \"$@\"");
        program(bin.resolve("under-lock"), "exec " + shell + " " + RECIPES.resolve("under-lock") + " \"$@\"");
        // sshd gives the line to the shell of the account. What comes before the host are options.
        program(bin.resolve("ssh"), """
                while :; do
                  case $1 in
                  -o) shift 2 ;;
                  -*) shift ;;
                  *) break ;;
                  esac
                done
                echo "$1" >>"$HOME/hosts"
                env -i PATH="$PATH" HOME="$HOME" TMPDIR="$TMPDIR" setsid sh -c "$2" &
                wait $!
                """);
        var token = Files.writeString(directory.resolve("token"), service.adminToken() + "\n");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        set.clear();
        set.addAll(List.of(
                "PATH=" + bin + ":/usr/bin:/bin",
                "HOME=" + directory,
                "TMPDIR=" + directory.resolve("temporary"),
                "LOCKKEEPER_URL=" + service.url(),
                "LOCKKEEPER_TOKEN_FILE=" + token));
    }

    private static void program(Path file, String text) throws IOException {
        assertThat(Files.writeString(file, "#!/bin/sh\n" + text + "\n").toFile().setExecutable(true))
                .isTrue();
    }

    private ShellClient.Running start(String recipe, String... arguments) {
        try {
            List<String> command = new ArrayList<>(List.of("env", "-i"));
            command.addAll(set);
            command.addAll(List.of(shell.split(" ")));
            command.add(RECIPES.resolve(recipe).toString());
            command.addAll(List.of(arguments));
            var out = directory.resolve("recipe-" + started + ".out");
            var err = directory.resolve("recipe-" + started++ + ".err");
            return new ShellClient.Running(
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectInput(new File("/dev/null"))
                            .redirectOutput(out.toFile())
                            .redirectError(err.toFile())
                            .start(),
                    out,
                    err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long last() {
        return JdbcClient.create(service.database().dataSource())
                .sql("SELECT max(id) FROM run")
                .query(Long.class)
                .single();
    }

    private static void is(ShellClient.Running ended, int status, String printed) {
        assertThat(ended.exitStatus()).as(ended.stdout() + ended.stderr()).isEqualTo(status);
        assertThat(ended.stdout() + ended.stderr()).isEqualTo(printed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"under-lock", "deploy-over-ssh"})
    void deployment_that_succeeds_is_not_spoken_of(String recipe) throws IOException {
        is(
                recipe(recipe, "sh", "-c", "echo \"$1\" $LOCKKEEPER_FENCING_TOKEN | tee done", "sh", "it's \"done\" *"),
                0,
                "");
        assertThat(Files.readString(directory.resolve("done")))
                .isEqualTo("it's \"done\" * " + column(last(), "fencing_token") + "\n");
        assertThat(status(last())).isEqualTo("success");
    }

    @ParameterizedTest
    @ValueSource(strings = {"under-lock", "deploy-over-ssh"})
    void lock_that_is_not_free_is_no_reason_for_a_mail(String recipe) {
        var held = hold();
        is(recipe(recipe, "touch", "done"), 0, "");
        assertThat(directory.resolve("done")).doesNotExist();
        release(held);
    }

    /** 4 is also what the client says when the lock is not free. */
    @ParameterizedTest
    @ValueSource(ints = {4, 42})
    void deployment_that_fails_is_told_with_all_that_it_printed(int status) {
        var failed = recipe("under-lock", "sh", "-c", "echo half; exit " + status);
        assertThat(failed.exitStatus()).isEqualTo(status);
        assertThat(failed.stdout()).contains("\nhalf\n").contains("holds " + environment);
        assertThat(status(last())).isEqualTo("failure");
    }

    @Test
    void missing_token_is_told() throws IOException {
        Files.delete(directory.resolve("token"));
        var failed = recipe("under-lock", "true");
        assertThat(failed.exitStatus()).isEqualTo(3);
        assertThat(failed.stdout()).contains("cannot read the token file");
    }

    @Test
    void lock_is_waited_for_as_long_as_is_said() {
        var held = hold();
        set.add("LOCKKEEPER_WAIT=1");
        is(recipe("under-lock", "true"), 0, "");
        assertThat(status(last())).isEqualTo("timed_out");
        release(held);
    }

    @Test
    void recipe_that_is_stopped_stops_its_deployment_and_releases() {
        var running = start("under-lock", environment, "sh", "-c", "echo $$ >pid; exec sleep 60");
        ShellClient.await("the deployment", () -> Files.exists(directory.resolve("pid")));
        running.process().destroy();
        assertThat(running.exitStatus()).isEqualTo(143);
        assertThat(status(last())).isEqualTo("cancelled");
    }

    @Test
    void deployment_whose_connection_breaks_goes_on_under_its_lock() throws Exception {
        var running = start(
                "deploy-over-ssh",
                "web1",
                environment,
                "sh",
                "-c",
                "echo begun; : >begun; until [ -e go ]; do sleep 0.1; done; echo end; : >end");
        ShellClient.await("the deployment", () -> Files.exists(directory.resolve("begun")));
        // The near side is dead, and what the far side prints goes nowhere.
        running.process().destroyForcibly();
        assertThat(running.process().waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
        assertThat(status(last())).isEqualTo("in_progress");
        Files.createFile(directory.resolve("go"));
        ShellClient.await("the end of the deployment", () -> status(last()).equals("success"));
        assertThat(directory.resolve("end")).exists();
        ShellClient.await("nothing left behind", () -> client.leftovers().isEmpty());
    }

    private ShellClient.Running recipe(String recipe, String... command) {
        var running = recipe.equals("under-lock")
                ? start(recipe, arguments(command, environment))
                : start(recipe, arguments(command, "web1", environment));
        running.exitStatus();
        return running;
    }

    @Test
    void shellcheck_finds_nothing() throws Exception {
        assumeTrue(ShellClient.succeeds("shellcheck --version"), "there is no shellcheck");
        says(
                "",
                "shellcheck",
                RECIPES.resolve("under-lock").toString(),
                RECIPES.resolve("deploy-over-ssh").toString());
    }

    @Test
    void systemd_knows_every_setting_of_the_units() throws Exception {
        assumeTrue(ShellClient.succeeds("systemd-analyze --version"), "there is no systemd");
        var units = Files.createDirectory(directory.resolve("units"));
        for (var unit : List.of("lockkeeper-deploy.service", "lockkeeper-deploy.timer")) {
            var text = Files.readString(RECIPES.resolve(unit)).replace("/usr/local/bin/lockkeeper", "/bin/true");
            Files.writeString(units.resolve(unit), text);
        }
        var printed = output(
                "systemd-analyze",
                "verify",
                "--man=no",
                units.resolve("lockkeeper-deploy.timer").toString());
        assertThat(printed.lines().filter(line -> line.contains("lockkeeper-deploy")))
                .isEmpty();
    }

    private static void says(String expected, String... command) throws Exception {
        assertThat(output(command)).isEqualTo(expected);
    }

    private static String output(String... command) throws Exception {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
