package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static io.lockkeeper.client.ShellClient.keysAndValues;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The arguments of a process are for every user of the machine to see. They are caught in two ways: each program that is found in the PATH
 * is preceded by one that writes its arguments down, which misses none of those; and all processes there are are looked at again and again,
 * which sees what a shell runs without a PATH as well, if it lasts long enough.
 */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#shells")
class ShellSecretsIT extends ShellClientFixture {

    private static final Path PROCESSES = Path.of("/proc");

    private final String shell;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();
    private final List<String> secrets = new ArrayList<>();
    private volatile boolean watching = true;
    private final Thread watcher = Thread.ofPlatform().unstarted(this::watch);

    ShellSecretsIT(String shell) {
        super(shell);
        this.shell = shell;
    }

    @BeforeEach
    void watch_all_arguments() throws IOException {
        client.set("PATH", writersOfArguments());
        watcher.start();
    }

    @AfterEach
    void stop_watching() throws InterruptedException {
        watching = false;
        watcher.join();
    }

    @Test
    void no_secret_is_ever_an_argument_of_a_process() throws Exception {
        // Not the service's own admin token: other tests may be at work on this machine, and theirs is the same.
        String admin = post(
                        "/api/admin/tokens", "{\"name\": \"admin of %s\", \"role\": \"admin\"}".formatted(environment))
                .getOrDefault("token", "");
        secrets.add(admin);
        client.set("LOCKKEEPER_TOKEN", admin);
        String token = client.run("create-token", environment, "--role", "deploy")
                .stdout()
                .strip();
        secrets.add(token);
        client.run("tokens", "--limit", "1");

        client.set("LOCKKEEPER_TOKEN", token);
        var deployment = client.start(
                "run",
                "--lease",
                "5",
                environment,
                "--",
                "sh",
                "-c",
                "echo $LOCKKEEPER_LOCK_TOKEN; until [ -e go ]; do sleep 0.1; done; ps -ef || echo no ps");
        secrets.add(deployment.awaitStdout("\n").stdout().strip());
        var queued = client.start("acquire", environment);
        queued.awaitStderr(" waits at position 1");
        await(
                "a heartbeat",
                () -> JdbcClient.create(service.database().dataSource())
                        .sql("SELECT lease_expires_at > granted_at + interval '6 seconds' FROM run WHERE id = ?")
                        .param(deployment.run())
                        .query(Boolean.class)
                        .single());
        client.write("go", "");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(queued.exitStatus()).isZero();

        useLockTokenOf(queued.answer());
        for (String verb : List.of("wait", "heartbeat", "release")) {
            assertThat(client.run(verb).exitStatus()).as(verb).isZero();
        }
        useLockTokenOf(keysAndValues(client.run("acquire", environment).stdout()));
        assertThat(client.run("cancel").exitStatus()).isZero();
        client.unset("LOCKKEEPER_LOCK_TOKEN");
        client.run("status", environment);
        client.run("history", environment);
        client.run("check-queue", environment);

        client.set("LOCKKEEPER_TOKEN", admin);
        client.run("freeze", environment, "--reason", "none");
        client.run("unfreeze", environment);
        client.run("force-release", environment, "--yes", "--confirm", environment, "--reason", "none");
        client.run("revoke-token", environment);

        // However it ends: what an ID token looks like, and one from a file.
        String idToken = "eyJhbGciOiJSUzI1NiJ9." + "A".repeat(900) + "." + "B".repeat(342);
        secrets.add(idToken);
        client.write("id-token", idToken + "\n");
        client.unset("LOCKKEEPER_TOKEN");
        assertThat(client.run("status", "--token-file", "id-token").exitStatus())
                .isEqualTo(3);

        assertThat(secrets).hasSize(6).doesNotContain("");
        String written = written();
        assertThat(written).contains("curl -q --config -");
        assertThat(deployment.stdout()).containsAnyOf("UID ", "PID ", "no ps");
        for (String secret : secrets) {
            String core = secret.substring(secret.indexOf('.') + 1);
            assertThat(written).doesNotContain(core);
            assertThat(seen).noneMatch(arguments -> arguments.contains(core));
            // It begins with the lock token that its command printed.
            assertThat(deployment.stdout().lines().skip(1)).noneMatch(line -> line.contains(core));
        }
        if (Files.isDirectory(PROCESSES)) {
            assertThat(seen).anyMatch(arguments -> arguments.contains("curl -q --config -"));
        }
    }

    /** What it prints goes to curl; a printf that is a program would be given it as an argument. */
    @Test
    void shell_whose_printf_is_a_program_is_refused() throws IOException {
        assumeTrue(shell.equals("bash"), "only bash can be made to forget its printf");
        client.set(
                "BASH_ENV",
                Files.writeString(directory.resolve("forget"), "enable -n printf\n")
                        .toString());
        var refused = client.run("status");
        assertThat(refused.exitStatus()).isEqualTo(3);
        assertThat(refused.stderr()).contains("no printf of its own");
        assertThat(written()).doesNotContain(service.adminToken());
    }

    private void useLockTokenOf(Map<String, String> answer) {
        String lockToken = answer.getOrDefault("lock_token", "");
        secrets.add(lockToken);
        client.set("LOCKKEEPER_LOCK_TOKEN", lockToken);
    }

    private String written() throws IOException {
        return Files.readString(directory.resolve("arguments"), StandardCharsets.ISO_8859_1);
    }

    /** A PATH in which each program is one that writes its arguments down and becomes the program. */
    private String writersOfArguments() throws IOException {
        List<Path> real = Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .map(Path::of)
                .filter(Files::isDirectory)
                .toList();
        Path programs = Files.createDirectory(directory.resolve("programs"));
        Path log = Files.createFile(directory.resolve("arguments"));
        var script = new StringBuilder("#!/bin/sh\nname=${0##*/}\nprintf '%s\\n' \"$name $*\" >>'" + log + "'\n");
        var names = new TreeSet<String>();
        for (Path path : real) {
            script.append("[ ! -x '%1$s'/\"$name\" ] || exec '%1$s'/\"$name\" \"$@\"\n".formatted(path));
            try (DirectoryStream<Path> files = Files.newDirectoryStream(path, Files::isExecutable)) {
                files.forEach(file -> names.add(file.getFileName().toString()));
            }
        }
        Path writer = Files.writeString(directory.resolve("writer"), script.append("exit 127\n"));
        Files.setPosixFilePermissions(writer, PosixFilePermissions.fromString("rwx------"));
        for (String name : names) {
            Files.createSymbolicLink(programs.resolve(name), writer);
        }
        return programs.toString();
    }

    private void watch() {
        while (watching && Files.isDirectory(PROCESSES)) {
            try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
                for (Path process : processes) {
                    try {
                        seen.add(Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                                .replace('\0', ' '));
                    } catch (IOException e) {
                        // It has ended.
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
