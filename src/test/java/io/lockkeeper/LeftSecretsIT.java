package io.lockkeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Runs after all other tests: no secret that any of them used is left in the logs of the services (level debug), their metrics, or a table of the
 * databases, events included.
 */
class LeftSecretsIT {

    private static final int MOST_SHOWN = 50;

    @Test
    void no_secret_of_the_whole_suite_is_left_in_logs_metrics_or_databases() throws IOException {
        var traces = Stream.of(Traces.LOGS, Traces.METRICS, Traces.DATABASES)
                .flatMap(directory -> files(directory).stream())
                .toList();
        assumeTrue(!traces.isEmpty(), "no test has left anything");

        var digests = new HashSet<String>();
        for (var rows : files(Traces.DATABASES)) {
            forEachLine(rows, row -> digests.addAll(SecretSearch.digestsIn(row)));
        }
        Set<String> configured = new HashSet<>();
        for (var secrets : files(Traces.SECRETS)) {
            configured.addAll(Files.readAllLines(secrets));
        }
        configured.remove("");

        var search = new SecretSearch(configured, digests);
        var found = new TreeSet<String>();
        for (var trace : traces) {
            forEachLine(
                    trace,
                    line -> search.findIn(line).forEach(what -> {
                        if (found.size() < MOST_SHOWN) {
                            found.add(trace + ": " + what);
                        }
                    }));
        }
        assertThat(found).isEmpty();
    }

    private static List<Path> files(Path directory) {
        try (var files = Files.isDirectory(directory) ? Files.list(directory) : Stream.<Path>empty()) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void forEachLine(Path file, Consumer<String> action) throws IOException {
        // Any bytes are some characters, here.
        try (var lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                action.accept(line);
            }
        }
    }
}
