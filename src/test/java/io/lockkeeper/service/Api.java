package io.lockkeeper.service;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of one service, as plain as HTTP is. */
final class Api {
    private static final JsonMapper JSON = new JsonMapper();
    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();

    private final URI base;
    private final String token;
    private final boolean patient;

    Api(URI base, String token) {
        this(base, token, false);
    }

    private Api(URI base, String token, boolean patient) {
        this.base = base;
        this.token = token;
        this.patient = patient;
    }

    /** A client that asks again, as it is told to, while the service says that its database is away. */
    Api patient() {
        return new Api(base, token, true);
    }

    /** What came back. */
    record Answer(int status, HttpResponse<String> response) {
        String text() {
            return response.body();
        }

        JsonNode json() {
            return JSON.readTree(response.body());
        }

        String outcome() {
            return json().path("outcome").asString();
        }

        String code() {
            return json().path("code").asString();
        }

        long runId() {
            return json().path("run").path("id").asLong();
        }

        String lockToken() {
            return json().path("lock_token").asString();
        }

        @Nullable
        String header(String name) {
            return response.headers().firstValue(name).orElse(null);
        }
    }

    Answer acquire(String environment, String body) {
        return call("POST", "/api/environments/" + environment + "/acquire", body);
    }

    Answer await(Answer acquired, int seconds) {
        return call(
                "GET",
                "/api/runs/" + acquired.runId() + "?wait_seconds=" + seconds,
                null,
                "Lock-Token",
                acquired.lockToken());
    }

    Answer look(long run) {
        return call("GET", "/api/runs/" + run, null);
    }

    Answer heartbeat(Answer acquired) {
        return call("POST", "/api/runs/" + acquired.runId() + "/heartbeat", null, "Lock-Token", acquired.lockToken());
    }

    Answer release(Answer acquired) {
        return release(acquired, "{}");
    }

    Answer release(Answer acquired, String body) {
        return call("POST", "/api/runs/" + acquired.runId() + "/release", body, "Lock-Token", acquired.lockToken());
    }

    Answer status(String environment) {
        return call("GET", "/api/admin/deployment-status?environment=" + environment, null);
    }

    Answer integrity() {
        return call("GET", "/api/admin/integrity", null);
    }

    /**
     * Any call.
     *
     * @param headers name and value in turn
     */
    Answer call(String method, String path, @Nullable String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + token);
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        return patient
                ? Awaitility.await()
                        .atMost(Duration.ofSeconds(30))
                        .until(() -> send(request.build()), answer -> answer.status() != 503)
                : send(request.build());
    }

    private static Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = HTTP.send(request, BodyHandlers.ofString());
            return new Answer(response.statusCode(), response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
