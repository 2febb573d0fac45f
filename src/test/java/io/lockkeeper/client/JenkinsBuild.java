package io.lockkeeper.client;

import groovy.lang.Closure;
import groovy.lang.GroovyShell;
import groovy.lang.Script;
import io.lockkeeper.ServiceProcess;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.codehaus.groovy.control.CompilerConfiguration;
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException;
import org.jspecify.annotations.Nullable;

/**
 * A build of a Jenkins pipeline on one agent, with the library {@code clients/jenkins}. The steps do what those of Jenkins do, as far as the
 * library uses them: {@code sh} runs the script as a process that has the cookies of its workspace and its node block; stopping a step sends TERM to
 * every process on the machine that has the workspace's cookie (durable-task, FileMonitoringTask), the end of the node block to every one that has
 * its own; {@code parallel} with failFast interrupts the other branches.
 */
final class JenkinsBuild {
    private static final Path LIBRARY = Path.of("clients/jenkins").toAbsolutePath();
    private static final String STEP_COOKIE = "JENKINS_SERVER_COOKIE";
    private static final String NODE_COOKIE = "JENKINS_NODE_COOKIE";
    private static final int PATIENCE_SECONDS = 60;

    private final Path directory;
    private final Path workspace;
    private final Map<String, String> credentials = new TreeMap<>();
    private final Map<String, String> environment = new TreeMap<>();

    @SuppressWarnings("JdkObsolete") // Branches write at the same time.
    private final StringBuffer log = new StringBuffer();

    private final Set<Thread> stepping = ConcurrentHashMap.newKeySet();
    private final Set<Thread> stopped = ConcurrentHashMap.newKeySet();
    /** The variables of the blocks that surround a step, of each branch. */
    private final ThreadLocal<Deque<Map<String, String>>> blocks = ThreadLocal.withInitial(ArrayDeque::new);

    private final CurrentBuild current = new CurrentBuild();
    private volatile @Nullable Throwable failure;
    private @Nullable Thread flow;

    /** @param directory an empty one */
    JenkinsBuild(Path directory, ServiceProcess service) {
        try {
            this.directory = Files.createDirectories(directory);
            this.workspace = Files.createDirectories(directory.resolve("workspace"));
            Files.createDirectories(directory.resolve("temporary"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        credentials.put("lockkeeper", service.adminToken());
        environment.put("LOCKKEEPER_URL", service.url().toString());
        environment.put("TMPDIR", directory.resolve("temporary").toString());
        environment.put("JENKINS_URL", "https://jenkins.example/");
        environment.put("JOB_NAME", "shop/web");
        environment.put("BUILD_NUMBER", "7");
        environment.put("BUILD_URL", "https://jenkins.example/job/shop/job/web/7/");
        environment.put("GIT_COMMIT", "a1b2c3d");
        environment.put(STEP_COOKIE, "durable-" + workspace);
        environment.put(NODE_COOKIE, "node-" + workspace);
    }

    /** Where everything of the build is: {@code workspace} and what is temporary. */
    Path directory() {
        return directory;
    }

    Path workspace() {
        return workspace;
    }

    String log() {
        return log.toString();
    }

    CurrentBuild current() {
        return current;
    }

    JenkinsBuild set(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Runs a pipeline, which is within a node block already. */
    JenkinsBuild start(String pipeline) {
        flow = Thread.ofPlatform().start(() -> {
            try {
                compile(pipeline, "Jenkinsfile").run();
            } catch (Throwable thrown) {
                failure = thrown;
                print("ERROR: " + thrown.getMessage());
            } finally {
                terminate(NODE_COOKIE);
            }
        });
        return this;
    }

    JenkinsBuild run(String pipeline) {
        return start(pipeline).end();
    }

    JenkinsBuild end() {
        try {
            if (flow == null || !flow.join(Duration.ofSeconds(PATIENCE_SECONDS))) {
                throw new AssertionError("the build did not end; it said: " + log);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    JenkinsBuild awaitLog(String text) {
        ShellClient.await("\"" + text + "\" in the log of " + directory, () -> log().contains(text));
        return this;
    }

    /** As somebody does who clicks on the cross. */
    void abort() {
        stop(List.copyOf(stepping));
    }

    /** All at once: the cookie is that of the workspace, so that stopping one after the other could hit a step that begins in between. */
    private void stop(List<Thread> steps) {
        stopped.addAll(steps);
        if (!steps.isEmpty()) {
            terminate(STEP_COOKIE);
        }
    }

    /** SUCCESS, or what the exception makes of it, if {@code currentBuild.result} was not set. */
    String result() {
        return switch (failure) {
            case null -> current.result == null ? "SUCCESS" : current.result;
            case FlowInterruptedException interrupted -> "ABORTED";
            default -> "FAILURE";
        };
    }

    /** Processes on the machine that belong to the node block. */
    List<ProcessHandle> processes() {
        return withCookie(NODE_COOKIE);
    }

    private Steps compile(String source, String name) {
        var configuration = new CompilerConfiguration();
        configuration.setScriptBaseClass(Steps.class.getName());
        var script = (Steps) new GroovyShell(JenkinsBuild.class.getClassLoader(), configuration).parse(source, name);
        script.build = this;
        return script;
    }

    private void print(String line) {
        log.append(line).append('\n');
    }

    private void terminate(String cookie) {
        for (var process : withCookie(cookie)) {
            ShellClient.succeeds("kill -TERM " + process.pid());
        }
    }

    private List<ProcessHandle> withCookie(String cookie) {
        var wanted = cookie + "=" + environment.get(cookie);
        return ProcessHandle.allProcesses()
                .filter(process -> {
                    try {
                        var variables = Files.readString(
                                Path.of("/proc", Long.toString(process.pid()), "environ"), StandardCharsets.ISO_8859_1);
                        return Arrays.asList(variables.split("\0")).contains(wanted);
                    } catch (IOException e) {
                        return false; // It has ended, or is another user's.
                    }
                })
                .toList();
    }

    private String shell(String label, String script, boolean returnStdout) {
        print("[Pipeline] sh (" + label + ")");
        var self = Thread.currentThread();
        try {
            var file = Files.createTempFile(directory, "script", ".sh");
            Files.writeString(file, script);
            var errors = Files.createTempFile(directory, "step", ".log");
            var output = Files.createTempFile(directory, "step", ".out");
            List<String> command = new ArrayList<>();
            if (ShellClient.succeeds("env --default-signal=INT true")) {
                command.addAll(List.of("env", "--default-signal=INT,QUIT"));
            }
            command.addAll(script.startsWith("#!") ? List.of("sh") : List.of("sh", "-xe"));
            command.add(file.toString());
            var builder = new ProcessBuilder(command)
                    .directory(workspace.toFile())
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo((returnStdout ? output : errors).toFile()))
                    .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.matches("(LOCKKEEPER|GITHUB|GITLAB|CI|JENKINS)(_.*)?"));
            builder.environment().putAll(environment);
            blocks.get().descendingIterator().forEachRemaining(builder.environment()::putAll);
            stepping.add(self);
            var process = builder.start();
            var shown = 0;
            while (process.isAlive()) {
                var text = Files.readString(errors);
                log.append(text, shown, text.length());
                shown = text.length();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
            stepping.remove(self);
            var text = Files.readString(errors);
            log.append(text, shown, text.length());
            if (stopped.remove(self)) {
                throw new FlowInterruptedException("aborted");
            }
            if (process.exitValue() != 0) {
                throw new StepFailure("script returned exit code " + process.exitValue());
            }
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            stepping.remove(self);
        }
    }

    private void inParallel(Map<String, Closure<?>> branches) {
        var surrounding = new ArrayDeque<>(blocks.get());
        var failures = new CopyOnWriteArrayList<RuntimeException>();
        var threads = new CopyOnWriteArrayList<Thread>();
        branches.forEach((name, branch) ->
                threads.add(Thread.ofPlatform().name(name).unstarted(() -> {
                    blocks.set(new ArrayDeque<>(surrounding));
                    try {
                        branch.call();
                    } catch (RuntimeException thrown) {
                        failures.add(thrown);
                        stop(threads.stream()
                                .filter(thread -> !thread.equals(Thread.currentThread()) && stepping.contains(thread))
                                .toList());
                    }
                })));
        threads.forEach(Thread::start);
        for (var thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
    }

    private @Nullable Object inBlock(Map<String, String> variables, Closure<?> body) {
        blocks.get().push(variables);
        try {
            return body.call();
        } finally {
            blocks.get().pop();
        }
    }

    /** {@code currentBuild}. */
    static final class CurrentBuild {
        private @Nullable String result;
        private @Nullable String description;

        public @Nullable String getResult() {
            return result;
        }

        public void setResult(@Nullable String result) {
            this.result = result;
        }

        public @Nullable String getDescription() {
            return description;
        }

        public void setDescription(@Nullable String description) {
            this.description = description;
        }
    }

    /** hudson.AbortException, by which steps fail. */
    static final class StepFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StepFailure(String message) {
            super(message);
        }
    }

    /** The steps, as a script sees them. */
    public abstract static class Steps extends Script {
        @SuppressWarnings("NullAway.Init") // Set before the script runs.
        JenkinsBuild build;

        /** Global variables of the library are scripts of their own. */
        public @Nullable Object withLockkeeper(Object... arguments) {
            try {
                var library = build.compile(
                        Files.readString(LIBRARY.resolve("vars/withLockkeeper.groovy")), "withLockkeeper");
                return library.invokeMethod("call", arguments);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        public void sh(String script) {
            build.shell("Shell Script", script, false);
        }

        public String sh(Map<String, Object> parameters) {
            return build.shell(
                    parameters.getOrDefault("label", "Shell Script").toString(),
                    parameters.getOrDefault("script", "").toString(),
                    parameters.containsKey("returnStdout"));
        }

        public String pwd(Map<String, Object> parameters) {
            return parameters.containsKey("tmp") ? build.workspace + "@tmp" : build.workspace.toString();
        }

        public void writeFile(Map<String, Object> parameters) throws IOException {
            Files.writeString(
                    Path.of(parameters.getOrDefault("file", "").toString()),
                    parameters.getOrDefault("text", "").toString());
        }

        public String libraryResource(String name) throws IOException {
            return Files.readString(LIBRARY.resolve("resources").resolve(name));
        }

        public Map<String, String> string(Map<String, Object> parameters) {
            var id = parameters.getOrDefault("credentialsId", "").toString();
            var secret = build.credentials.get(id);
            if (secret == null) {
                throw new StepFailure("Could not find credentials entry with ID '" + id + "'");
            }
            return Map.of(parameters.getOrDefault("variable", "").toString(), secret);
        }

        public @Nullable Object withCredentials(List<Map<String, String>> bindings, Closure<?> body) {
            Map<String, String> all = new TreeMap<>();
            bindings.forEach(all::putAll);
            return build.inBlock(all, body);
        }

        public @Nullable Object withEnv(List<String> variables, Closure<?> body) {
            Map<String, String> all = new TreeMap<>();
            for (var variable : variables) {
                var pair = variable.split("=", 2);
                all.put(pair[0], pair[1]);
            }
            return build.inBlock(all, body);
        }

        @SuppressWarnings("unchecked") // All but failFast are branches.
        public void parallel(Map<String, Object> branches) {
            Map<String, Closure<?>> closures = new TreeMap<>();
            branches.forEach((name, branch) -> {
                if (branch instanceof Closure) {
                    closures.put(name, (Closure<?>) branch);
                }
            });
            build.inParallel(closures);
        }

        public void echo(Object message) {
            build.print(message.toString());
        }

        public void error(Object message) {
            throw new StepFailure(message.toString());
        }

        public CurrentBuild getCurrentBuild() {
            return build.current;
        }
    }
}
