package io.lockkeeper.web;

import io.lockkeeper.security.EdgeSecurity;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * This package and {@code security} on a real Tomcat with the service's own settings, without a database, with {@link
 * TryController} in the place of the features.
 */
final class EdgeServer implements AutoCloseable {

    static final String TOKEN = "edge-test-admin-token";

    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient client = HttpClient.newHttpClient();
    private final ConfigurableApplicationContext context;
    private final int port;

    private EdgeServer(ConfigurableApplicationContext context) {
        this.context = context;
        port = Objects.requireNonNull(((ServletWebServerApplicationContext) context).getWebServer())
                .getPort();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(exclude = {DataSourceAutoConfiguration.class, FlywayAutoConfiguration.class})
    @Import({
        EdgeSecurity.class,
        WebConfiguration.class,
        ProblemWriter.class,
        ProblemPage.class,
        ProblemAdvice.class,
        ProblemErrorController.class,
        SecurityProblems.class,
        TomcatEdge.class,
        BodyLimitFilter.class,
        Documents.class,
        TryController.class
    })
    static class Application {}

    /** Properties are {@code --name=value}. Unless they say otherwise, requests are not counted: some tests send many and wrong ones. */
    static EdgeServer start(String... properties) {
        var application = new SpringApplication(Application.class);
        // None of them prepares anything that is tested here, and the one of package database would start a PostgreSQL.
        application.setInitializers(List.of());
        application.setDefaultProperties(Map.of("lockkeeper.limits.requests-per-second", 0));
        var arguments = new ArrayList<>(
                List.of("--server.port=0", "--lockkeeper.admin-token=" + TOKEN, "--spring.main.banner-mode=off"));
        arguments.addAll(List.of(properties));
        return new EdgeServer(application.run(arguments.toArray(String[]::new)));
    }

    int port() {
        return port;
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    /** What came back; {@code json} fails for a body that is none. */
    record Answer(int status, SequencedMap<String, String> headers, String body) {

        @Nullable
        String header(String name) {
            return headers.get(name.toLowerCase(Locale.ROOT));
        }

        JsonNode json() {
            return JSON.readTree(body);
        }

        String code() {
            return json().path("code").asString("");
        }
    }

    /** A request of the administrator; each pair of {@code headers} is a name and a value. */
    Answer call(String method, String path, @Nullable String body, String... headers) {
        var request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body))
                .setHeader("Authorization", "Bearer " + TOKEN);
        for (var i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        return send(request.build());
    }

    Answer get(String path, String... headers) {
        return call("GET", path, null, headers);
    }

    Answer postJson(String path, String body) {
        return call("POST", path, body, "Content-Type", "application/json");
    }

    Answer getWithoutToken(String path) {
        return send(HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .build());
    }

    Answer send(HttpRequest request) {
        try {
            var response = client.send(request, HttpResponse.BodyHandlers.ofString());
            var headers = new LinkedHashMap<String, String>();
            response.headers().map().forEach((name, values) -> headers.put(name, String.join(", ", values)));
            return new Answer(response.statusCode(), headers, response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Sends these very bytes (Latin-1) and reads until the server closes, which the request must ask for or bring about. */
    Answer raw(String request) {
        try (var socket = new Socket("localhost", port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return read(socket.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Answer read(InputStream stream) throws IOException {
        var text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        var end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("Not an HTTP answer: " + text);
        }
        var lines = List.of(text.substring(0, end).split("\r\n"));
        var headers = new LinkedHashMap<String, String>();
        for (var line : lines.subList(1, lines.size())) {
            var colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return new Answer(Integer.parseInt(lines.getFirst().split(" ", 3)[1]), headers, text.substring(end + 4));
    }

    @Override
    public void close() {
        client.close();
        context.close();
    }

    static Map<String, String> keyValues(String plain) {
        var values = new LinkedHashMap<String, String>();
        plain.lines().forEach(line -> {
            var equals = line.indexOf('=');
            values.put(line.substring(0, equals), line.substring(equals + 1));
        });
        return values;
    }

    static Optional<String> field(Answer answer) {
        return Optional.ofNullable(answer.json().path("field").asString(null));
    }
}
