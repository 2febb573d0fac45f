package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.yaml.snakeyaml.Yaml;

/**
 * A job of GitHub Actions with the action {@code clients/github-action} in it, as the runner (actions/runner) does it: inputs with the defaults of action.yml, {@code
 * ${{ job.status }}} evaluated anew for each step; outputs, state, variables and summary through files, read when a step has ended; a cancelled
 * step gets INT, 7.5 seconds later TERM, and 2.5 seconds after that KILL.
 */
final class GithubJob {
    private static final Path ACTION = Path.of("clients/github-action").toAbsolutePath();
    private static final int PATIENCE_SECONDS = 60;

    private final Path directory;
    private final Path temporary;
    private final Map<String, String> variables = new TreeMap<>();
    private final Map<String, String> inputs = new TreeMap<>();
    private final Map<String, String> state = new HashMap<>();
    private final Map<String, String> outputs = new HashMap<>();
    private String status = "success";
    private int steps;

    /** @param directory an empty one */
    GithubJob(Path directory, ServiceProcess service, String environment) {
        try {
            this.directory = Files.createDirectories(directory);
            this.temporary = Files.createDirectories(directory.resolve("_temp"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        with("environment", environment);
        with("url", service.url().toString());
        with("token", service.adminToken());
        variables.put("RUNNER_TEMP", temporary.toString());
        variables.put("RUNNER_NAME", "GitHub Actions 12");
        variables.put("GITHUB_ACTIONS", "true");
        variables.put("GITHUB_SERVER_URL", "https://github.example");
        variables.put("GITHUB_REPOSITORY", "shop/web");
        variables.put("GITHUB_REF", "refs/heads/main");
        variables.put("GITHUB_SHA", "a1b2c3d");
        variables.put("GITHUB_ACTOR", "alice");
        variables.put("GITHUB_WORKFLOW", "Deploy");
        variables.put("GITHUB_RUN_ID", "41");
        variables.put("GITHUB_RUN_NUMBER", "7");
        variables.put("GITHUB_RUN_ATTEMPT", "1");
        variables.put("GITHUB_JOB", "deploy");
        variables.put("GITHUB_ACTION", "__self");
    }

    /** Whether this machine can run the action: with node 20 or newer. */
    static boolean nodeIsInstalled() {
        return ShellClient.succeeds("node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'");
    }

    GithubJob with(String input, String value) {
        assertThat(declaredInputs()).as("inputs of action.yml").containsKey(input);
        inputs.put(input, value);
        return this;
    }

    GithubJob set(String variable, String value) {
        variables.put(variable, value);
        return this;
    }

    /** How the job stands after its own steps. */
    GithubJob status(String status) {
        this.status = status;
        return this;
    }

    Step main() {
        return start("main.js", "").end();
    }

    Step startMain() {
        return start("main.js", "");
    }

    /** By a runner that is a shell, which can be killed. */
    Step startMainOfAnotherRunner() {
        return start("main.js", "; cat >/dev/null");
    }

    Step check() {
        return start("check/../check.js", "").end();
    }

    Step post() {
        return start("post.js", "").end();
    }

    private Step start(String script, String afterwards) {
        try {
            Path files = Files.createDirectory(directory.resolve("step-" + steps++));
            List<String> command = afterwards.isEmpty()
                    ? List.of("node", ACTION.resolve(script).toString())
                    : List.of(
                            "sh",
                            "-c",
                            "node \"$1\"" + afterwards,
                            "sh",
                            ACTION.resolve(script).toString());
            List<String> line = new ArrayList<>();
            if (ShellClient.succeeds("env --default-signal=INT true")) {
                // Whoever runs the build in the background has it ignore INT, and all its children with it.
                line.addAll(List.of("env", "--default-signal=INT,QUIT"));
            }
            line.addAll(command);
            var builder = new ProcessBuilder(line)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(files.resolve("log").toFile());
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.matches("(LOCKKEEPER|GITHUB|RUNNER|ACTIONS|INPUT|STATE|CI)(_.*)?"));
            builder.environment().putAll(variables);
            declaredInputs()
                    .forEach((name, value) -> builder.environment()
                            .put(
                                    "INPUT_" + name.replace(' ', '_').toUpperCase(Locale.ROOT),
                                    inputs.getOrDefault(name, value)));
            state.forEach((name, value) -> builder.environment().put("STATE_" + name, value));
            for (String file : List.of("OUTPUT", "STATE", "ENV", "STEP_SUMMARY")) {
                Path path = Files.createFile(files.resolve(file));
                builder.environment().put("GITHUB_" + file, path.toString());
            }
            return new Step(builder.start(), files);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Inputs and their defaults. */
    private Map<String, String> declaredInputs() {
        Map<String, String> declared = new TreeMap<>();
        Map<String, Map<String, Map<String, Object>>> action = new Yaml().load(read(ACTION.resolve("action.yml")));
        action.getOrDefault("inputs", Map.of())
                .forEach((name, input) -> declared.put(
                        name, input.getOrDefault("default", "").toString().replace("${{ job.status }}", status)));
        return declared;
    }

    /** What the steps have put out; '' for what they have not. */
    String output(String name) {
        return outputs.getOrDefault(name, "");
    }

    long run() {
        return Long.parseLong(output("run-id"));
    }

    /** Secrets that main has passed on to post. */
    String state(String name) {
        return state.getOrDefault(name, "");
    }

    /** Files that the action leaves on the machine. */
    List<Path> leftovers() {
        try (Stream<Path> left = Files.list(temporary)) {
            return left.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The process that heartbeats, if it lives. */
    static Stream<ProcessHandle> heartbeats() {
        String script = ACTION.resolve("heartbeat.js").toString();
        return ProcessHandle.allProcesses()
                .filter(process -> process.info().commandLine().orElse("").contains(script));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code name<<delimiter}, lines, {@code delimiter}. */
    private static Map<String, String> readCommands(Path file) {
        Map<String, String> values = new HashMap<>();
        var lines = read(file).lines().iterator();
        while (lines.hasNext()) {
            String[] head = lines.next().split("<<", 2);
            List<String> value = new ArrayList<>();
            for (String line = lines.next(); !line.equals(head[1]); line = lines.next()) {
                value.add(line);
            }
            values.put(head[0], String.join("\n", value));
        }
        return values;
    }

    /** One of the action's scripts. */
    final class Step {
        private final Process process;
        private final Path files;
        private int exitStatus = -1;

        Step(Process process, Path files) {
            this.process = process;
            this.files = files;
        }

        /** Waits for its end, and reads what it has told the runner. */
        Step end() {
            try {
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new AssertionError("the step did not end; it said: " + log());
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            exitStatus = process.exitValue();
            return ended();
        }

        private Step ended() {
            state.putAll(readCommands(files.resolve("STATE")));
            outputs.putAll(readCommands(files.resolve("OUTPUT")));
            variables.putAll(readCommands(files.resolve("ENV")));
            return this;
        }

        /** As when the job is cancelled. */
        Step cancel() {
            status("cancelled");
            for (var signal : Map.of("INT", 7500, "TERM", 2500).entrySet().stream()
                    .sorted(Map.Entry.comparingByKey())
                    .toList()) {
                if (process.isAlive()) {
                    ShellClient.succeeds("kill -" + signal.getKey() + " " + process.pid());
                    awaitEnd(signal.getValue());
                }
            }
            process.destroyForcibly();
            return end();
        }

        private void awaitEnd(int milliseconds) {
            try {
                process.waitFor(milliseconds, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        Step kill9() {
            process.destroyForcibly();
            return end();
        }

        /** For a step whose runner goes on. */
        Step awaitGrant() {
            awaitLog("(fencing token ");
            while (process.children()
                    .anyMatch(child -> child.info().commandLine().orElse("").contains("main.js"))) {
                LockSupport.parkNanos(1_000_000);
            }
            return ended();
        }

        Step awaitLog(String text) {
            await("\"" + text + "\" in the log", () -> log().contains(text));
            return this;
        }

        String log() {
            return read(files.resolve("log"));
        }

        String summary() {
            return read(files.resolve("STEP_SUMMARY"));
        }

        Step succeeds() {
            assertThat(exitStatus).as(log()).isZero();
            return this;
        }

        Step fails() {
            assertThat(exitStatus).as(log()).isEqualTo(1);
            return this;
        }

        int exitStatus() {
            return exitStatus;
        }
    }
}
