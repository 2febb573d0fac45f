package io.lockkeeper.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Docker's command line, as people use it. */
final class Docker {
    private static final long LONGEST_MINUTES = 9;
    private static final String COMMAND = System.getProperty("docker.command", "docker");

    private Docker() {}

    /** How a command ended, and what it said on both outputs. */
    record Result(int status, String output) {}

    /** Runs {@code docker} with these arguments; it must succeed. Answers what it said. */
    static String docker(String... arguments) {
        Result result = attempt(arguments);
        if (result.status() != 0) {
            throw new AssertionError("docker " + String.join(" ", arguments) + " ended with " + result.status() + ":\n"
                    + result.output());
        }
        return result.output().strip();
    }

    /** Runs {@code docker} with these arguments, which may fail. */
    static Result attempt(String... arguments) {
        return run(
                Map.of("DOCKER_BUILDKIT", "1"),
                Stream.concat(Stream.of(COMMAND), Stream.of(arguments)).toList());
    }

    /** Runs any command to its end. */
    static Result run(Map<String, String> environment, List<String> command) {
        try {
            Path output = Files.createTempFile(Path.of("target"), "command-", ".out");
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError(String.join(" ", command) + " took too long: " + Files.readString(output));
            }
            Result result = new Result(process.exitValue(), Files.readString(output));
            Files.delete(output);
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A field of what {@code docker inspect} says. */
    static String inspect(String what, String field) {
        return docker("inspect", "--format", "{{" + field + "}}", what);
    }
}
