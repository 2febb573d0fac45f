package io.lockkeeper.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.docs.Page.Block;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

/**
 * Examples of one page that belong together. They run as one {@code sh} script, so that a variable set in one is there in the next, in a
 * directory that looks like a checkout in which the service was started. What each prints is compared with the block that follows it on
 * the page, but for what differs each time.
 */
final class Story {
    private static final Pattern MARK = Pattern.compile("<!-- test: ([a-z-]+)(, in the background)? -->");
    private static final Pattern PAUSE = Pattern.compile("\\bsleep \\d+");
    private static final long PATIENCE_SECONDS = 120;
    private static final JsonMapper JSON = new JsonMapper();

    private final Page page;
    private final String name;
    private final List<Step> steps = new ArrayList<>();

    Story(Page page, String name) {
        this.page = page;
        this.name = name;
    }

    /** What the comment above an example says. */
    record Mark(String story, boolean inBackground) {
        static Mark of(String comment, String where) {
            var mark = MARK.matcher(comment);
            if (!mark.matches()) {
                throw new IllegalStateException(where + ": " + comment + " is no mark; CONTRIBUTING.md lists them");
            }
            return new Mark(mark.group(1), mark.group(2) != null);
        }
    }

    /**
     * One example and what it is to print; null when that is not said, and it only has to succeed.
     *
     * @param isScene whether it only brings about what the page takes for granted
     */
    private record Step(
            Block example,
            boolean isScene,
            boolean inBackground,
            @Nullable Block output) {
        String where(Page page) {
            return page.path() + ":" + example.line();
        }
    }

    void set(Block scene) {
        steps.add(new Step(scene, true, false, null));
    }

    void add(Block example, boolean inBackground) {
        steps.add(new Step(example, false, inBackground, null));
    }

    void expect(Block output) {
        var last = steps.removeLast();
        if (last.output() != null) {
            throw new IllegalStateException(page.path() + ":" + output.line() + " is a second output of one example");
        }
        steps.add(new Step(last.example(), last.isScene(), last.inBackground(), output));
    }

    @Override
    public String toString() {
        return page.path() + ": " + name;
    }

    void playOn(ServiceProcess service) throws IOException, InterruptedException {
        forgetEverything(service);
        var directory = checkout(service);
        Files.writeString(directory.resolve("story.sh"), script(service.url()));
        var builder = new ProcessBuilder("sh", "story.sh")
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("story.out").toFile());
        // A CI system's variables would show in what the client says.
        var path = Objects.requireNonNull(builder.environment().get("PATH"));
        builder.environment().clear();
        path = directory.resolve("clients/shell") + ":" + path;
        builder.environment().putAll(Map.of("PATH", path, "HOME", directory.toString(), "LANG", "C.UTF-8"));
        builder.environment().put("LOCKKEEPER_URL", service.url().toString());
        var process = builder.start();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw new AssertionError(this + " did not end; see " + directory);
        }
        assertThat(Files.readString(directory.resolve("story.out")))
                .as("what the shell itself says of %s", this)
                .isEmpty();
        for (int i = 0; i < steps.size(); i++) {
            check(steps.get(i), Files.readString(directory.resolve(i + ".out")), directory.resolve(i + ".status"));
        }
    }

    /** Numbers begin with 1, as they do for a reader who follows the page. Not TRUNCATE: its locks could meet those of the sweeper. */
    private static void forgetEverything(ServiceProcess service) {
        var database = JdbcClient.create(service.database().dataSource());
        for (var statement : List.of(
                "DELETE FROM run",
                "DELETE FROM environment",
                "DELETE FROM lock_group",
                "DELETE FROM api_token",
                "ALTER SEQUENCE run_id_seq RESTART",
                "ALTER SEQUENCE api_token_id_seq RESTART",
                "ALTER SEQUENCE fencing_token RESTART")) {
            database.sql(statement).update();
        }
    }

    private Path checkout(ServiceProcess service) throws IOException {
        var parent = Files.createDirectories(Path.of("target/documentation"));
        var directory = Files.createTempDirectory(parent, name + "-").toAbsolutePath();
        Files.createSymbolicLink(
                directory.resolve("clients"), Path.of("clients").toAbsolutePath());
        Files.createDirectory(directory.resolve(".lockkeeper"));
        Files.writeString(directory.resolve(".lockkeeper/admin-token"), service.adminToken() + "\n");
        var deployment = directory.resolve("deploy.sh");
        Files.writeString(deployment, "#!/bin/sh\necho deploying\n");
        Files.setPosixFilePermissions(deployment, PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory;
    }

    private String script(URI service) {
        var script = new StringBuilder();
        for (int i = 0; i < steps.size(); i++) {
            var step = steps.get(i);
            var text = step.example().text();
            // The pauses are for a reader who has to find another terminal.
            var example = (step.isScene() ? text : PAUSE.matcher(text).replaceAll("sleep 5"))
                    .replace("http://localhost:8080", service.toString());
            var kept = "{\n" + example + "} >" + i + ".out 2>&1\necho $? >" + i + ".status\n";
            if (step.inBackground()) {
                // The reader goes on when something happened there.
                script.append("(\n").append(kept).append(") &\nuntil [ -s " + i + ".out ]; do sleep 0.05; done\n");
            } else {
                script.append(kept);
            }
        }
        return script.append("wait\n").toString();
    }

    private void check(Step step, String printed, Path status) throws IOException {
        var output = step.output();
        if (output == null) {
            assertThat(Files.readString(status).strip())
                    .as("exit status of %s, which printed:%n%s", step.where(page), printed)
                    .isEqualTo("0");
        } else if (output.language().equals("json")) {
            assertThat(masked(JSON.readTree(printed).toPrettyString()))
                    .as("what %s prints", step.where(page))
                    .isEqualTo(masked(JSON.readTree(output.text()).toPrettyString()));
        } else {
            assertThat(masked(printed)).as("what %s prints", step.where(page)).isEqualTo(masked(output.text()));
        }
    }

    /** What is different for every reader and at every time. */
    private static String masked(String text) {
        return text.replaceAll("\\bsleep \\d+", "sleep <seconds>")
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", "<time>")
                .replaceAll(
                        "\\b\\d+ (?:s|min|h \\d+ min|days)\\b|(?<=(?:lease|time-out) of )\\d+ seconds", "<duration>")
                .replaceAll("\\b(\\d+)\\.[\\w-]{43}\\b", "$1.<mac>")
                .replaceAll("\\blkt_[\\w-]{43}", "lkt_<secret>")
                .replaceAll(
                        "((?:duration|eta|wait|avg|p50|p95)_seconds(?:\" : |=)|\\b(?:for|after|about|heard) )\\d+( s\\b)?",
                        "$1<seconds>$2")
                .replaceAll("\\bin \\d+ ms\\b", "in <milliseconds> ms")
                .replaceAll("(?m)^id: \\d+-\\d+$", "id: <event>")
                .replaceAll("(\"pid\" : )\\d+", "$1<pid>")
                .replaceAll("(\"hostname\" : )\"[^\"]*\"", "$1<hostname>")
                .replaceAll("\\b" + Pattern.quote(System.getProperty("user.name")) + "\\b", "alice")
                .replaceAll("localhost:\\d+", "localhost:8080")
                .strip();
    }
}
