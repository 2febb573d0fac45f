package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A client in each of the shells, one service for all tests that do not kill theirs, and an environment of the test's own. */
abstract class ShellClientFixture {
    private static final AtomicInteger ENVIRONMENTS = new AtomicInteger();

    @TempDir
    Path directory;

    private final String shell;
    final String environment = "environment-" + ENVIRONMENTS.incrementAndGet();
    ServiceProcess service;
    ShellClient client;

    @SuppressWarnings("NullAway.Init") // Set before each test.
    ShellClientFixture(String shell) {
        this.shell = shell;
    }

    @BeforeEach
    void connect() {
        service = Shared.SERVICE;
        client = new ShellClient(shell, directory, service);
    }

    /** For a test that kills the service. */
    void use(ServiceProcess another) {
        service = another;
        client.set("LOCKKEEPER_URL", another.url().toString());
    }

    /** Whatever a test is about, a client cleans up behind itself. */
    @AfterEach
    void nothing_is_left_behind() {
        assertThat(client.leftovers()).isEmpty();
    }

    /** Takes the lock and keeps it without heartbeats. */
    Map<String, String> hold(String... options) {
        return client.run(arguments(options, "acquire", environment)).answer();
    }

    void release(Map<String, String> held) {
        client.set("LOCKKEEPER_LOCK_TOKEN", held.getOrDefault("lock_token", ""));
        assertThat(client.run("release").exitStatus()).isZero();
        client.unset("LOCKKEEPER_LOCK_TOKEN");
    }

    /** A call without the client. */
    Map<String, String> post(String path, String body) {
        return ShellClient.keysAndValues(call("POST", path, "text/plain", body));
    }

    String call(String method, String path, String accept, String body) {
        var request = HttpRequest.newBuilder(service.url().resolve(path))
                .header("Authorization", "Bearer " + service.adminToken())
                .header("Content-Type", "application/json")
                .header("Accept", accept)
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        try (var http = HttpClient.newHttpClient()) {
            return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Object column(long run, String name) {
        Object value = ShellClient.row(service, run).get(name);
        return value == null ? "" : value;
    }

    String status(long run) {
        return column(run, "status").toString();
    }

    static String[] arguments(String[] options, String... before) {
        String[] all = Arrays.copyOf(before, before.length + options.length);
        System.arraycopy(options, 0, all, before.length, options.length);
        return all;
    }

    private static final class Shared {
        static final ServiceProcess SERVICE = ServiceProcess.start();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(SERVICE::close));
        }
    }
}
