package io.lockkeeper.webhook;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Somebody else's server: it keeps what it took, can be away, and can behave as badly as servers do. */
public final class TestReceiver implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<Request> asked = new ArrayList<>();
    private final List<Request> taken = new ArrayList<>();
    private final int port;
    private HttpServer server;
    private volatile Behaviour behaviour = Behaviour.TAKES;

    /** A request as it came. */
    public record Request(String target, Map<String, List<String>> headers, String body) {
        public String header(String name) {
            return headers.getOrDefault(name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1), List.of(""))
                    .getFirst();
        }

        public JsonNode json() {
            return JSON.readTree(body);
        }

        public String type() {
            return json().path("type").asString();
        }
    }

    /** How it answers. Whatever is not 2xx it has not taken. */
    public interface Behaviour {
        Behaviour TAKES = _ -> new Answer(200, Map.of(), "ok");

        /** The answer; null: none, ever. */
        @Nullable
        Answer to(Request request);

        static Behaviour always(int status) {
            return _ -> new Answer(status, Map.of(), "");
        }

        static Behaviour silence() {
            return _ -> null;
        }
    }

    /** What it answers. */
    public record Answer(int status, Map<String, String> headers, String body) {}

    public TestReceiver() {
        server = listen(0);
        port = server.getAddress().getPort();
    }

    private HttpServer listen(int at) {
        try {
            HttpServer listening = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 0);
            listening.setExecutor(threads);
            listening.createContext("/", this::answer);
            listening.start();
            return listening;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        var request = new Request(
                exchange.getRequestURI().toString(),
                Map.copyOf(exchange.getRequestHeaders()),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        synchronized (this) {
            asked.add(request);
        }
        Answer answer = behaviour.to(request);
        if (answer == null) {
            try {
                over.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
            return;
        }
        // Kept before it is told: a sender that is killed between may send it once more.
        if (answer.status() / 100 == 2) {
            synchronized (this) {
                taken.add(request);
            }
        }
        answer.headers().forEach(exchange.getResponseHeaders()::add);
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        try (var out = exchange.getResponseBody()) {
            out.write(body);
        } catch (IOException e) {
            // Who reads no further has hung up.
        }
        exchange.close();
    }

    public String url(String path) {
        return "http://127.0.0.1:" + port + path;
    }

    public void behave(Behaviour how) {
        behaviour = how;
    }

    /** Nothing listens any more. */
    public void goDown() {
        server.stop(0);
    }

    public void comeUp() {
        server = listen(port);
    }

    /** All requests so far. */
    public synchronized List<Request> asked() {
        return List.copyOf(asked);
    }

    /** Those that it answered with 2xx. */
    public synchronized List<Request> taken() {
        return List.copyOf(taken);
    }

    @Override
    public void close() {
        over.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
