package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** The action of GitHub Actions without a service: its own tests, and what is written about it in three places. */
class GithubActionTest {
    private static final Path ACTION = Path.of("clients/github-action");
    private static final Path PAGE = Path.of("docs/github-actions.md");

    @Test
    void its_own_tests_pass() throws IOException, InterruptedException {
        assumeTrue(GithubJob.nodeIsInstalled(), "the GitHub Action is not tested: there is no node 20 or newer");
        var tests = new ProcessBuilder("node", "--test")
                .directory(ACTION.toFile())
                .redirectErrorStream(true)
                .start();
        var log = new String(tests.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(tests.waitFor()).as(log).isZero();
        assertThat(log).containsPattern("pass [1-9]").contains("skipped 0");
    }

    @Test
    void page_lists_the_inputs_and_outputs_there_are() throws IOException {
        var page = Files.readString(PAGE);
        assertThat(rows(page, "## Inputs")).isEqualTo(declared("inputs"));
        assertThat(rows(page, "## Outputs")).isEqualTo(declared("outputs"));
    }

    @Test
    void code_reads_the_inputs_and_sets_the_outputs_there_are() throws IOException {
        var code = new StringBuilder();
        for (var file : Set.of("main.js", "post.js", "request.js")) {
            code.append(Files.readString(ACTION.resolve(file)));
        }
        assertThat(names(code.toString(), "(?:input|seconds|choice)\\('([a-z-]+)'"))
                .isEqualTo(declared("inputs"));
        assertThat(names(code.toString(), "setOutput\\('([a-z-]+)'")).isEqualTo(declared("outputs"));
    }

    private static Set<String> declared(String what) throws IOException {
        Map<String, Map<String, Object>> action = new Yaml().load(Files.readString(ACTION.resolve("action.yml")));
        return new TreeSet<>(action.getOrDefault(what, Map.of()).keySet());
    }

    /** The names in the first column of a section's table. */
    private static Set<String> rows(String page, String section) {
        var text = page.substring(page.indexOf("\n" + section + "\n") + 1).split("\n## ", 2)[0];
        return text.lines()
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.substring(0, line.indexOf('|', 1)))
                .flatMap(cell -> names(cell, "`([a-z-]+)`").stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> names(String text, String pattern) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map((MatchResult match) -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
