package io.lockkeeper.service;

import io.lockkeeper.ServiceProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that follows the events, as the standard says (WHATWG HTML, 9.2.6), and remembers what it was told. */
final class EventStream implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final HttpURLConnection connection;
    private final BufferedReader lines;
    private String lastEventId;

    /** An event that was dispatched. */
    record Told(String id, String type, JsonNode data) {
        long runId() {
            return data.path("run_id").asLong();
        }

        @Override
        public String toString() {
            return type + " of run " + runId();
        }
    }

    private EventStream(HttpURLConnection connection, String lastEventId) throws IOException {
        this.connection = connection;
        this.lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8));
        this.lastEventId = lastEventId;
    }

    /** Connects, and returns when the stream has begun. */
    static EventStream open(ServiceProcess service, @Nullable String lastEventId, String query) {
        try {
            var connection = (HttpURLConnection)
                    service.url().resolve("/api/admin/events" + query).toURL().openConnection();
            connection.setRequestProperty("Authorization", "Bearer " + service.adminToken());
            connection.setReadTimeout((int) PATIENCE.toMillis());
            if (lastEventId != null) {
                connection.setRequestProperty("Last-Event-ID", lastEventId);
            }
            var stream = new EventStream(connection, lastEventId == null ? "" : lastEventId);
            stream.expect("retry: 1000");
            stream.take("id", stream.line());
            return stream;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String lastEventId() {
        return lastEventId;
    }

    @Nullable
    String header(String name) {
        return connection.getHeaderField(name);
    }

    /** The next events; fails when they do not come in time. */
    List<Told> next(int count) {
        List<Told> events = new ArrayList<>();
        while (events.size() < count) {
            Told event = next();
            if (event == null) {
                throw new AssertionError("the stream ended after " + events);
            }
            events.add(event);
        }
        return events;
    }

    /** Everything until the stream ends; one that breaks off has ended too. */
    List<Told> rest() {
        List<Told> events = new ArrayList<>();
        try {
            for (Told event = next(); event != null; event = next()) {
                events.add(event);
            }
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof SocketTimeoutException) {
                throw e;
            }
        }
        return events;
    }

    /** The next one; null at the end. */
    @Nullable
    Told next() {
        String type = "message";
        StringBuilder data = new StringBuilder();
        for (String line = line(); line != null; line = line()) {
            if (line.isEmpty()) {
                if (!data.isEmpty()) {
                    return new Told(lastEventId, type, JSON.readTree(data.toString()));
                }
                type = "message";
            } else if (line.startsWith("id: ")) {
                take("id", line);
            } else if (line.startsWith("event: ")) {
                type = line.substring("event: ".length());
            } else if (line.startsWith("data: ")) {
                data.append(line.substring("data: ".length()));
            } else if (!line.startsWith(":")) {
                throw new AssertionError("what is this? " + line);
            }
        }
        return null;
    }

    /** The next line, whatever it is. */
    @Nullable
    String line() {
        try {
            return lines.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void expect(String expected) {
        String line = line();
        if (!expected.equals(line)) {
            throw new AssertionError("expected " + expected + ", got " + line);
        }
    }

    private void take(String field, @Nullable String line) {
        if (line == null || !line.startsWith(field + ": ")) {
            throw new AssertionError("expected " + field + ", got " + line);
        }
        lastEventId = line.substring(field.length() + 2);
    }

    @Override
    public void close() {
        connection.disconnect();
    }
}
