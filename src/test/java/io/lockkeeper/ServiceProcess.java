package io.lockkeeper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The packaged service as a process of its own, as a user runs it: {@code target/lockkeeper.jar} on a free port and a database of the test's
 * own. For tests named *IT, which run after packaging. What it prints, at level debug, what it measured in the end, and which secrets it was given
 * is among the {@link Traces}.
 */
public final class ServiceProcess implements AutoCloseable {
    /** For tests that measure, or read the log. */
    public static final String QUIETLY = "--logging.level.root=info";

    private static final Duration START_PATIENCE = Duration.ofMinutes(3);
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(30);

    /** Settings whose value is secret. */
    private static final Pattern SECRET = Pattern.compile("(?i).*(TOKEN|PASSWORD|SECRET|KEYS?)");

    private static final String ADMIN_TOKEN = "lkt_integration-test-admin-token";

    private final TestDatabase database;
    private final int port;
    private final Map<String, String> variables;
    private final List<String> properties;
    private final Process process;
    private final Path log;

    private ServiceProcess(TestDatabase database, int port, Map<String, String> variables, List<String> properties) {
        this.database = database;
        this.port = port;
        this.variables = variables;
        this.properties = properties;
        try {
            Files.createDirectories(Traces.LOGS);
            this.log = Files.createTempFile(Traces.LOGS, "port-" + port + "-", ".log");
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx1g",
                    // Most live for seconds, of which the better compiler would take the most.
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-jar",
                    "target/lockkeeper.jar",
                    "--server.port=" + port));
            command.addAll(properties);
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.redirectErrorStream(true).redirectOutput(log.toFile());
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.startsWith("LOCKKEEPER_") || name.startsWith("SPRING_"));
            builder.environment().put("LOCKKEEPER_DATABASE_URL", database.jdbcUrl());
            builder.environment().put("LOCKKEEPER_DATABASE_USER", database.username());
            builder.environment().put("LOCKKEEPER_DATABASE_PASSWORD", database.password());
            builder.environment().put("LOCKKEEPER_ADMIN_TOKEN", ADMIN_TOKEN);
            builder.environment().put("LOCKKEEPER_DATA_DIR", "target/service-data");
            // A test sends as fast as it can, unless it is about that.
            builder.environment().put("LOCKKEEPER_LIMITS_REQUESTSPERSECOND", "0");
            builder.environment().put("LOGGING_LEVEL_ROOT", "debug"); // For LeftSecretsIT.
            builder.environment().putAll(variables);
            noteSecrets(builder.environment());
            this.process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts one on a new database and waits until it answers; properties as {@code --name=value}. */
    public static ServiceProcess start(String... properties) {
        return startOn(TestDatabase.migrated(), properties);
    }

    /** Starts one more replica on a database. */
    public static ServiceProcess startOn(TestDatabase database, String... properties) {
        return new ServiceProcess(database, Ports.free(), Map.of(), List.of(properties)).awaitHealthy();
    }

    /** Starts one that has environment variables beside those that every test's has. */
    public static ServiceProcess startOn(TestDatabase database, Map<String, String> variables) {
        return new ServiceProcess(database, Ports.free(), variables, List.of()).awaitHealthy();
    }

    /** Starts one that comes to its database through a port of this machine. */
    public static ServiceProcess startThrough(int port, TestDatabase database) {
        String url = database.jdbcUrl().replaceFirst("//[^/]+/", "//localhost:" + port + "/");
        return startOn(database, Map.of("LOCKKEEPER_DATABASE_URL", url));
    }

    /** Starts another process in place of this one, on the same port and database. This one must have ended. */
    public ServiceProcess restart() {
        if (process.isAlive()) {
            throw new IllegalStateException("the service still runs");
        }
        return new ServiceProcess(database, port, variables, properties).awaitHealthy();
    }

    public URI url() {
        return URI.create("http://localhost:" + port);
    }

    public int port() {
        return port;
    }

    public String adminToken() {
        return ADMIN_TOKEN;
    }

    public TestDatabase database() {
        return database;
    }

    public ProcessHandle handle() {
        return process.toHandle();
    }

    /** Everything it has printed. */
    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void kill9() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** As the operating system or an orchestrator stops it: SIGTERM. */
    public void stop() {
        process.destroy();
        awaitEnd();
    }

    /** How it ended. */
    public int exitStatus() {
        return process.exitValue();
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            keepMetrics();
            kill9();
        }
    }

    private void noteSecrets(Map<String, String> environment) {
        environment.entrySet().stream()
                .filter(variable -> variable.getKey().startsWith("LOCKKEEPER_"))
                .filter(variable -> SECRET.matcher(variable.getKey()).matches())
                .forEach(variable -> Traces.secret(variable.getValue()));
        properties.stream()
                .map(property -> property.split("=", 2))
                .filter(setting -> SECRET.matcher(setting[0]).matches())
                .flatMap(setting -> Stream.of(setting[1].split(",")))
                .forEach(Traces::secret);
    }

    /** A service that a test has paused, or cut off from its database, has none to give. */
    private void keepMetrics() {
        HttpRequest metrics = HttpRequest.newBuilder(url().resolve("/actuator/prometheus"))
                .header("Authorization", "Bearer " + ADMIN_TOKEN)
                .timeout(Duration.ofSeconds(2))
                .build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            Traces.keep(
                    Traces.METRICS,
                    http.send(metrics, HttpResponse.BodyHandlers.ofString()).body());
        } catch (IOException e) {
            Traces.keep(Traces.METRICS, "none of port " + port + ": " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitEnd() {
        try {
            if (!process.waitFor(STOP_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("the service did not end; see " + log);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private ServiceProcess awaitHealthy() {
        HttpRequest health = HttpRequest.newBuilder(url().resolve("/actuator/health"))
                .timeout(Duration.ofSeconds(5))
                .build();
        long deadline = System.nanoTime() + START_PATIENCE.toNanos();
        try (HttpClient http = HttpClient.newHttpClient()) {
            while (System.nanoTime() < deadline) {
                if (!process.isAlive()) {
                    throw new AssertionError("the service ended with status " + process.exitValue() + ":\n" + log());
                }
                try {
                    if (http.send(health, HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200) {
                        return this;
                    }
                } catch (IOException e) {
                    // Not listening yet: look again shortly, until the deadline.
                }
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close();
        throw new AssertionError("the service did not answer in time:\n" + log());
    }
}
