package io.lockkeeper.benchmark;

import io.lockkeeper.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The packaged service as a process, and a client of it. */
final class Service implements AutoCloseable {
    static final String TOKEN = "lkt_benchmark-admin-token";
    static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    static final Path JAR = Path.of("target", "lockkeeper.jar").toAbsolutePath();

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
    private final int port;
    private final Process process;
    private final Duration startUp;

    private Service(int port, Process process, long startedAt) throws InterruptedException {
        this.port = port;
        this.process = process;
        awaitHealthy();
        this.startUp = Duration.ofNanos(System.nanoTime() - startedAt);
    }

    /** Starts one and waits until it answers. */
    static Service start(Path directory, Map<String, String> environment) throws IOException, InterruptedException {
        return start(directory, environment, List.of("-jar", JAR.toString()));
    }

    /**
     * The same in another way.
     *
     * @param java what Java is to run: its arguments as far as the service's own
     */
    static Service start(Path directory, Map<String, String> environment, List<String> java)
            throws IOException, InterruptedException {
        int port = Ports.free();
        Files.createDirectories(directory);
        List<String> command = new ArrayList<>();
        command.add(JAVA.toString());
        command.addAll(java);
        command.add("--server.port=" + port);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(directory.toFile());
        builder.redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("service.log").toFile()));
        builder.environment().put("LOCKKEEPER_ADMIN_TOKEN", TOKEN);
        // All clients of a benchmark bear one token.
        builder.environment().put("LOCKKEEPER_LIMITS_REQUESTS_PER_SECOND", "0");
        builder.environment().put("LOCKKEEPER_LIMITS_WAITING_CALLS", "10000");
        builder.environment().putAll(environment);
        long startedAt = System.nanoTime();
        return new Service(port, builder.start(), startedAt);
    }

    /** From the start of the process to its first healthy answer. */
    Duration startUp() {
        return startUp;
    }

    /** What it has in memory now, in MB; 0 where the operating system is not Linux. */
    long residentMegabytes() throws IOException {
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        if (!Files.exists(status)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .sum();
        }
    }

    private void awaitHealthy() throws InterruptedException {
        while (true) {
            if (!process.isAlive()) {
                throw new IllegalStateException("the service ended with status " + process.exitValue());
            }
            try {
                HttpRequest request = HttpRequest.newBuilder(
                                URI.create("http://localhost:" + port + "/actuator/health"))
                        .build();
                if (http.send(request, BodyHandlers.discarding()).statusCode() == 200) {
                    return;
                }
            } catch (IOException e) {
                // Not listening yet.
            }
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
    }

    void health() throws IOException, InterruptedException {
        http.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/actuator/health"))
                        .build(),
                BodyHandlers.discarding());
    }

    /** An acquired run: its number, its lock token and the outcome. */
    record Acquired(String id, String lockToken, String outcome) {}

    Acquired acquire(String environment) throws IOException, InterruptedException {
        return acquire(environment, 1800);
    }

    Acquired acquire(String environment, int leaseSeconds) throws IOException, InterruptedException {
        Map<String, String> answer = call(
                "POST",
                "/api/environments/" + environment + "/acquire",
                null,
                "{\"batch\":false,\"lease_seconds\":" + leaseSeconds + "}");
        return new Acquired(
                answer.getOrDefault("run_id", ""),
                answer.getOrDefault("lock_token", ""),
                answer.getOrDefault("outcome", ""));
    }

    void release(Acquired run) throws IOException, InterruptedException {
        call("POST", "/api/runs/" + run.id() + "/release", run.lockToken(), null);
    }

    /** Takes a queued run out of its queue. */
    void leave(Acquired run) throws IOException, InterruptedException {
        call("POST", "/api/runs/" + run.id() + "/release", run.lockToken(), "{\"status\":\"cancelled\"}");
    }

    /** Reads something as JSON. */
    void get(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .header("Authorization", "Bearer " + TOKEN)
                .build();
        HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(path + " answered " + response.body());
        }
    }

    void heartbeat(Acquired run) throws IOException, InterruptedException {
        call("POST", "/api/runs/" + run.id() + "/heartbeat", run.lockToken(), null);
    }

    /** Waits in one call after another until the run is granted. */
    void awaitGrant(Acquired run) throws IOException, InterruptedException {
        while (!"granted".equals(look(run, 60))) {}
    }

    String look(Acquired run, int waitSeconds) throws IOException, InterruptedException {
        return call("GET", "/api/runs/" + run.id() + "?wait_seconds=" + waitSeconds, run.lockToken(), null)
                .getOrDefault("outcome", "");
    }

    private Map<String, String> call(String method, String path, @Nullable String lockToken, @Nullable String body)
            throws IOException, InterruptedException {
        BodyPublisher publisher = body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .method(method, publisher)
                .header("Authorization", "Bearer " + TOKEN)
                .header("Accept", "text/plain")
                .header("Content-Type", "application/json");
        if (lockToken != null) {
            request.header("Lock-Token", lockToken);
        }
        HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new IOException(method + " " + path + " answered " + response.body());
        }
        return Arrays.stream(response.body().split("\n"))
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        http.shutdownNow();
    }
}
