package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.FileSystemUtils;

/** Runs {@code clients/shell/lockkeeper} as a process in one of this machine's shells. */
final class ShellClient {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Path SCRIPT = Path.of("clients/shell/lockkeeper").toAbsolutePath();

    private final List<String> shell;
    private final Path directory;
    private final Map<String, String> environment = new TreeMap<>();
    private List<String> before = List.of();
    private int started;

    /** @param directory an empty one, for what the processes print and for their temporary files */
    ShellClient(String shell, Path directory, ServiceProcess service) {
        this(shell, directory, service.url().toString(), service.adminToken());
    }

    ShellClient(String shell, Path directory, String url, String token) {
        this.shell = List.of(shell.split(" "));
        this.directory = directory;
        set("LOCKKEEPER_URL", url);
        set("LOCKKEEPER_TOKEN", token);
        try {
            set("TMPDIR", Files.createDirectory(directory.resolve("temporary")).toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The shells to test with: those of Debian and Alpine and the usual one of macOS, where this machine has them. */
    static Stream<String> shells() {
        List<String> found = Stream.of("dash", "busybox sh", "bash")
                .filter(shell -> succeeds(shell + " -c true"))
                .toList();
        return found.isEmpty() ? Stream.of("sh") : found.stream();
    }

    /** The two that can do least, for tests that take their time. */
    static Stream<String> poorestShells() {
        return shells().limit(2);
    }

    static boolean succeeds(String command) {
        try {
            return new ProcessBuilder("sh", "-c", command + " >/dev/null 2>&1")
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    ShellClient set(String name, String value) {
        environment.put(name, value);
        return this;
    }

    ShellClient unset(String name) {
        environment.remove(name);
        return this;
    }

    /** Has another program start the clients: its arguments are these and then a client's command line. */
    ShellClient through(String... launcher) {
        before = List.of(launcher);
        return this;
    }

    Running start(String... arguments) {
        return startWithInput("", arguments);
    }

    /** On a terminal of its own, where the file {@code typed} is typed as soon as it is there. Both outputs are its stdout. */
    Running startOnTerminal(String... arguments) {
        String line = String.join(" ", shell) + " " + SCRIPT + " " + String.join(" ", arguments);
        return launch(
                List.of(
                        "sh",
                        "-c",
                        "(until [ -s typed ]; do sleep 0.1; done; cat typed; rm typed) | script -qec \"$1\" /dev/null",
                        "sh",
                        line),
                "");
    }

    Running startWithInput(String input, String... arguments) {
        List<String> command = new ArrayList<>(before);
        if (succeeds("env --default-signal=INT true")) {
            // Whoever runs the build in the background has it ignore INT and QUIT, and all its children with it.
            command.addAll(List.of("env", "--default-signal=INT,QUIT"));
        }
        command.addAll(shell);
        command.add(SCRIPT.toString());
        command.addAll(List.of(arguments));
        return launch(command, input);
    }

    private Running launch(List<String> command, String input) {
        try {
            Path base = directory.resolve("process-" + started++);
            Path stdin = Files.writeString(Path.of(base + ".in"), input);
            Path stdout = Path.of(base + ".out");
            Path stderr = Path.of(base + ".err");
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectInput(stdin.toFile())
                    .redirectOutput(stdout.toFile())
                    .redirectError(stderr.toFile());
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.matches("(LOCKKEEPER|GITHUB|GITLAB|CI|JENKINS|GIT|BUILD|JOB)(_.*)?"));
            builder.environment().putAll(environment);
            return new Running(builder.start(), stdout, stderr);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs to the end. */
    Running run(String... arguments) {
        Running running = start(arguments);
        running.exitStatus();
        return running;
    }

    /** Waits for something that other processes bring about. */
    static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("waited too long: " + what).isLessThan(deadline);
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
    }

    /** A row of table run. */
    static Map<String, @Nullable Object> row(ServiceProcess service, long run) {
        return JdbcClient.create(service.database().dataSource())
                .sql("SELECT * FROM run WHERE id = ?")
                .param(run)
                .query()
                .singleRow();
    }

    static Map<String, String> keysAndValues(String lines) {
        return lines.lines()
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    static boolean lives(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    /** Temporary files that are still there. */
    List<Path> leftovers() {
        try (Stream<Path> files = Files.list(directory.resolve("temporary"))) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void removeLeftovers() throws IOException {
        for (Path left : leftovers()) {
            FileSystemUtils.deleteRecursively(left);
        }
    }

    /** Makes a file in the clients' working directory. */
    void write(String name, String text) {
        try {
            Path file = directory.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A client process and what it printed so far. */
    record Running(Process process, Path stdoutFile, Path stderrFile) {

        int exitStatus() {
            try {
                if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    killTree();
                    throw new AssertionError("the client did not end; it said: " + stderr());
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return process.exitValue();
        }

        String stdout() {
            return read(stdoutFile);
        }

        String stderr() {
            return read(stderrFile);
        }

        Running awaitStdout(String text) {
            await("\"" + text + "\" on stdout; on stderr is: " + stderr(), () -> stdout().contains(text));
            return this;
        }

        Running awaitStderr(String text) {
            await("\"" + text + "\" on stderr", () -> stderr().contains(text));
            return this;
        }

        /** The run's id, once it is known: the client says what becomes of a run in its first message. */
        long run() {
            await("a run", () -> stderr().contains("lockkeeper: run "));
            String words = stderr().substring(stderr().indexOf("lockkeeper: run ") + "lockkeeper: run ".length());
            return Long.parseLong(words.substring(0, words.indexOf(' ')));
        }

        /** What an acquire printed. */
        Map<String, String> answer() {
            return keysAndValues(stdout());
        }

        void signal(String name) {
            succeeds("kill -" + name + " " + process.pid());
        }

        /** With -9, as an out-of-memory killer or a pulled plug does: the client, its guard, and the command. */
        void killTree() {
            List<ProcessHandle> tree = process.descendants().toList();
            process.destroyForcibly();
            tree.forEach(ProcessHandle::destroyForcibly);
        }

        private static String read(Path file) {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
