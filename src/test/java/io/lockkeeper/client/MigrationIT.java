package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The side-by-side period of docs/migrating.md: scripts that know the old lock only, and scripts that take both. */
class MigrationIT extends ShellClientFixture {
    private static final Path PAGE = Path.of("docs/migrating.md");
    private static final int OLD = 2;
    private static final int CHANGED = 5;

    MigrationIT() {
        super("sh");
    }

    /**
     * Each deployment fails if another is in the middle of its own: a directory cannot be made twice. Those that know the old lock only deploy several
     * times, and their first deployment takes until one of the others has met it.
     */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    flock | flock old-lock ./deploy
                    mkdir | until mkdir old-lock 2>/dev/null; do sleep 0.1; done; ./deploy; rmdir old-lock
                    """)
    void no_deployment_overlaps_another_while_both_locks_are_taken(String story, String old) throws Exception {
        assumeTrue(ShellClient.succeeds("command -v flock"), "there is no flock");
        executable("with-old-lock", wrapper(story));
        executable("deploy", """
                #!/bin/sh
                mkdir overlap || exit 99
                until [ -e met ]; do sleep 0.1; done
                sleep 0.3
                rmdir overlap
                echo "$0 $*" >>deployed
                """);
        executable("old-only", "#!/bin/sh -e\nfor each in 1 2; do\n" + old + "\nsleep 0.5\ndone\n");

        var unchanged = new ArrayList<Process>();
        for (int i = 0; i < OLD; i++) {
            unchanged.add(new ProcessBuilder("./old-only")
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("old-" + i).toFile())
                    .start());
        }
        ShellClient.await(
                "a deployment that knows the old lock only", () -> Files.exists(directory.resolve("overlap")));
        var changed = new ArrayList<ShellClient.Running>();
        for (int i = 0; i < CHANGED; i++) {
            changed.add(
                    client.start("run", environment, "--no-batch", "--", "./with-old-lock", "./old-lock", "./deploy"));
        }
        ShellClient.await(
                "the two kinds to meet",
                () -> changed.stream()
                        .anyMatch(deployment ->
                                deployment.stderr().contains("met a deployment that knows ./old-lock only")));
        Files.createFile(directory.resolve("met"));
        for (var deployment : changed) {
            assertThat(deployment.exitStatus()).as(deployment.stderr()).isZero();
        }
        for (var deployment : unchanged) {
            assertThat(deployment.waitFor()).isZero();
        }
        assertThat(Files.readAllLines(directory.resolve("deployed"))).hasSize(CHANGED + 2 * OLD);
    }

    /** That is what tells who has not changed yet. */
    @Test
    void wrapper_says_when_it_has_met_somebody_who_knows_the_old_lock_only() throws IOException {
        executable("with-old-lock", wrapper("mkdir"));
        Files.createDirectory(directory.resolve("old-lock"));
        client.write("old-lock.state", "bob since noon\n");
        var waiting = client.start("run", environment, "--", "./with-old-lock", "./old-lock", "true")
                .awaitStderr("met a deployment that knows ./old-lock only: bob since noon");
        assertThat(status(waiting.run()))
                .as("Lockkeeper's lock is held meanwhile")
                .isEqualTo("in_progress");
        Files.delete(directory.resolve("old-lock"));
        assertThat(waiting.exitStatus()).isZero();
        assertThat(waiting.stderr().split("met a deployment", -1))
                .as("said once")
                .hasSize(2);
    }

    /** As the page has it. */
    private static String wrapper(String story) throws IOException {
        var found = Pattern.compile("(?s)<!-- test: " + story + " -->\n```sh\ncat >with-old-lock <<'EOF'\n(.*?)EOF\n")
                .matcher(Files.readString(PAGE));
        assertThat(found.find()).isTrue();
        return found.group(1);
    }

    private void executable(String name, String text) throws IOException {
        assertThat(Files.writeString(directory.resolve(name), text).toFile().setExecutable(true))
                .isTrue();
    }
}
