package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.AbstractConstruct;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A job of GitLab CI that extends one of {@code clients/gitlab}, as the runner (gitlab-runner, shells/bash.go) does it: before_script and
 * script are one text, evaluated by bash under errexit and pipefail, with TERM trapped and without stdin; a job that is cancelled gets TERM,
 * as a process group.
 */
final class GitlabJob {
    private static final Path TEMPLATE = Path.of("clients/gitlab/lockkeeper.gitlab-ci.yml");
    private static final int PATIENCE_SECONDS = 60;
    /** Other jobs' keys are merged by GitLab key by key; lists are replaced. */
    private static final String EXTENDS = "extends";

    private final Path directory;
    private final Map<String, Object> job;
    private final Map<String, String> variables = new TreeMap<>();

    /** @param yaml of the job, without its name */
    GitlabJob(Path directory, ServiceProcess service, String yaml) {
        var template = jobsOf(read(TEMPLATE));
        this.job = resolve(template, merge(Map.of(), read(yaml)));
        try {
            this.directory = Files.createDirectories(directory.resolve("web"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        set("LOCKKEEPER_URL", service.url().toString());
        set("LOCKKEEPER_TOKEN", service.adminToken());
        set("CI", "true");
        set("GITLAB_CI", "true");
        set("CI_PROJECT_DIR", this.directory.toString());
        set("CI_PROJECT_ID", "12");
        set("CI_PROJECT_PATH", "shop/web");
        set("CI_PIPELINE_URL", "https://gitlab.example/shop/web/-/pipelines/7");
        set("CI_COMMIT_SHA", "a1b2c3d");
        set("CI_COMMIT_REF_NAME", "main");
        set("CI_COMMIT_TITLE", "Sell more");
        set("GITLAB_USER_LOGIN", "alice");
        number(41);
        Map<String, Object> declared = asJob(job.getOrDefault("variables", Map.of()));
        declared.forEach((name, value) -> set(name, value.toString()));
    }

    /** Everything in the template, read as YAML. */
    static Map<String, Object> template() {
        return jobsOf(read(TEMPLATE));
    }

    /** A file as GitLab reads it, with its references as they are. */
    static Map<String, Object> read(String yaml) {
        return asJob(new Yaml(new References()).load(yaml));
    }

    GitlabJob number(int id) {
        set("CI_JOB_ID", Integer.toString(id));
        return set("CI_JOB_URL", "https://gitlab.example/shop/web/-/jobs/" + id);
    }

    GitlabJob set(String name, String value) {
        variables.put(name, value);
        return this;
    }

    /** What a report of type dotenv of an earlier job says. */
    GitlabJob with(Map<String, String> report) {
        report.forEach(this::set);
        return this;
    }

    /** The report of this job, which later jobs get. */
    Map<String, String> report() {
        return ShellClient.keysAndValues(read(directory.resolve("lockkeeper.env")));
    }

    Object key(String name) {
        return job.getOrDefault(name, "");
    }

    Path directory() {
        return directory;
    }

    /** Writes a program into the checkout. */
    GitlabJob program(String name, String text) {
        try {
            assertThat(Files.writeString(directory.resolve(name), text).toFile().setExecutable(true))
                    .isTrue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    Running run() {
        return start().end();
    }

    Running start() {
        try {
            var log = directory.resolveSibling("log");
            var script = Files.writeString(directory.resolveSibling("script"), script());
            var builder = new ProcessBuilder(
                            "setsid", "env", "--default-signal=INT,QUIT", "bash", "--noprofile", script.toString())
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.matches("(LOCKKEEPER|GITHUB|GITLAB|CI|JENKINS)(_.*)?"));
            builder.environment().putAll(variables);
            return new Running(builder.start(), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String script() {
        var lines = new ArrayList<String>();
        flatten(job.getOrDefault("before_script", List.of()), lines);
        flatten(job.getOrDefault("script", List.of()), lines);
        var text = String.join("\n", lines);
        return """
                trap 'exit 1' TERM
                case "$(set -o)" in *"pipefail"*) set -o pipefail;; esac; set -o errexit
                set +o noclobber
                (trap 'exit 1' TERM; eval '%s') < /dev/null
                exit 0
                """.formatted(text.replace("'", "'\\''"));
    }

    /** A reference to a list makes a list in a list, which GitLab flattens. */
    private static void flatten(Object part, List<String> lines) {
        if (part instanceof List<?> list) {
            list.forEach(each -> flatten(each, lines));
        } else {
            lines.add(part.toString());
        }
    }

    private static Map<String, Object> jobsOf(String yaml) {
        var template = read(yaml);
        return template.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> resolve(template, asJob(entry.getValue())),
                        (one, other) -> one,
                        LinkedHashMap::new));
    }

    private static Map<String, Object> resolve(Map<String, Object> jobs, Map<String, Object> job) {
        var parent = job.get(EXTENDS);
        var resolved = parent == null ? job : merge(resolve(jobs, asJob(found(jobs, parent))), job);
        return asJob(dereference(jobs, resolved));
    }

    private static Object found(Map<String, Object> jobs, Object name) {
        var job = jobs.get(name.toString());
        assertThat(job).as("the job %s", name).isNotNull();
        return Objects.requireNonNull(job);
    }

    private static Object dereference(Map<String, Object> jobs, Object value) {
        return switch (value) {
            case Reference(var path) ->
                dereference(jobs, asJob(found(jobs, path.getFirst())).getOrDefault(path.get(1), List.of()));
            case Map<?, ?> map -> {
                Map<String, Object> all = new LinkedHashMap<>();
                map.forEach((key, each) -> all.put(key.toString(), dereference(jobs, each)));
                yield all;
            }
            case List<?> list ->
                list.stream().map(each -> dereference(jobs, each)).toList();
            default -> value;
        };
    }

    private static Map<String, Object> merge(Map<String, Object> below, Map<String, Object> above) {
        Map<String, Object> merged = new LinkedHashMap<>(below);
        above.forEach((key, value) -> merged.merge(
                key,
                value,
                (old, own) -> old instanceof Map && own instanceof Map ? merge(asJob(old), asJob(own)) : own));
        merged.remove(EXTENDS);
        if (above.containsKey(EXTENDS)) {
            merged.put(EXTENDS, above.get(EXTENDS));
        }
        return merged;
    }

    @SuppressWarnings("unchecked") // YAML's keys are texts here.
    private static Map<String, Object> asJob(Object loaded) {
        return (Map<String, Object>) loaded;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code !reference [job, key]}. */
    private record Reference(List<String> path) {}

    private static final class References extends SafeConstructor {
        References() {
            super(new LoaderOptions());
            yamlConstructors.put(new Tag("!reference"), new AbstractConstruct() {
                @Override
                public Object construct(Node node) {
                    return new Reference(constructSequence((SequenceNode) node).stream()
                            .map(Object::toString)
                            .toList());
                }
            });
        }
    }

    /** A job that runs. */
    record Running(Process process, Path logFile) {
        Running end() {
            try {
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                    throw new AssertionError("the job did not end; it said: " + log());
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return this;
        }

        Running succeeds() {
            assertThat(process.exitValue()).as(log()).isZero();
            return this;
        }

        Running fails(int status) {
            assertThat(process.exitValue()).as(log()).isEqualTo(status);
            return this;
        }

        Running awaitLog(String text) {
            ShellClient.await("\"" + text + "\" in the log", () -> log().contains(text));
            return this;
        }

        /** As when somebody cancels the job. */
        Running cancel() {
            ShellClient.succeeds("kill -TERM -" + process.pid());
            return end();
        }

        String log() {
            return read(logFile);
        }
    }
}
