package io.lockkeeper.monitoring;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;

/** A program of Prometheus's, where it is installed. */
public enum MonitoringTool {
    PROMETHEUS,
    PROMTOOL,
    AMTOOL;

    /** Skips the test where this machine does not have it, and says so: of a skipped test, Maven prints no reason. */
    public void assumeInstalled() {
        var path = Objects.requireNonNull(System.getenv("PATH")).split(":", -1);
        boolean installed = Stream.of(path).anyMatch(directory -> Files.isExecutable(Path.of(directory, command())));
        if (!installed) {
            System.err.println("Skipping a test: " + command() + " is not installed");
        }
        assumeTrue(installed, command() + " is not installed");
    }

    public String command() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Runs it to its end.
     *
     * @param output everything that it printed
     */
    record Result(int status, String output) {}

    Result run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(command()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
