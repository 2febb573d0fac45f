package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Alone;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import io.lockkeeper.service.MalformedRequests.Kind;
import io.lockkeeper.service.MalformedRequests.Malformed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Whatever is sent: no fault, no change, and who holds a lock is served as before. */
@Alone
class MalformedRequestsIT {
    private static final int REQUESTS = 10_000;
    private static final int AT_ONCE = 4;
    private static final int PATIENCE_MILLISECONDS = 15_000;

    /** To try others: -Dmalformed.seed=…; the one of a failure is in its message. */
    private static final long SEED = Long.getLong("malformed.seed", 4);

    private static final Pattern INSIDES = Pattern.compile(
            "Exception|\tat |java\\.|jakarta\\.|io\\.lockkeeper|org\\.(spring|apache|postgres)|tools\\.jackson|SELECT |INSERT |Tomcat|<html",
            Pattern.CASE_INSENSITIVE);

    private static final JsonMapper JSON = new JsonMapper();

    @Test
    void ten_thousand_malformed_requests_cause_no_fault_change_nothing_and_disturb_no_holder() throws Exception {
        try (var process = ServiceProcess.start(ServiceProcess.QUIETLY);
                var threads = Executors.newFixedThreadPool(AT_ONCE);
                var pulse = Executors.newSingleThreadScheduledExecutor()) {
            var api = new Api(process.url(), process.adminToken());
            Answer held = api.acquire("held", "{\"lease_seconds\": 600}");
            var rows = rows(process);

            var heartbeats = Collections.synchronizedList(new ArrayList<Integer>());
            var beating =
                    pulse.scheduleWithFixedDelay(() -> heartbeats.add(beat(api, held)), 0, 100, TimeUnit.MILLISECONDS);
            var complaints =
                    play(process, new MalformedRequests(SEED, process.adminToken(), held.lockToken()), threads);
            beating.cancel(false);

            assertThat(complaints).as("seed " + SEED).isEmpty();
            assertThat(rows(process)).as("seed " + SEED).isEqualTo(rows);
            assertThat(heartbeats).hasSizeGreaterThan(5).containsOnly(200);
            assertThat(api.look(held.runId()).json().at("/run/status").asString())
                    .isEqualTo("in_progress");
            assertThat(process.log().lines().filter(line -> line.contains(" ERROR ") || line.startsWith("\tat ")))
                    .as("faults in the log, seed " + SEED)
                    .isEmpty();
        }
    }

    private static int beat(Api api, Answer held) {
        try {
            return api.heartbeat(held).status();
        } catch (RuntimeException e) {
            return -1;
        }
    }

    /** Sends them all; returns what is wrong with the answers, the first of them. */
    private static List<String> play(ServiceProcess process, MalformedRequests requests, ExecutorService threads)
            throws InterruptedException, ExecutionException {
        var complaints = Collections.synchronizedList(new ArrayList<String>());
        var statuses = Collections.synchronizedMap(new EnumMap<Kind, Map<Integer, Integer>>(Kind.class));
        var next = new AtomicInteger();
        var started = System.nanoTime();
        var workers = new ArrayList<Future<?>>();
        for (var i = 0; i < AT_ONCE; i++) {
            workers.add(threads.submit(() -> {
                for (var number = next.getAndIncrement();
                        number < REQUESTS && complaints.size() < 20;
                        number = next.getAndIncrement()) {
                    var request = requests.request(number);
                    var answer = send(process.port(), request);
                    statuses.computeIfAbsent(request.kind(), _ -> Collections.synchronizedMap(new TreeMap<>()))
                            .merge(answer.status(), 1, Integer::sum);
                    var complaint = complaint(request, answer);
                    if (complaint != null) {
                        complaints.add("number " + number + ", " + complaint + "\n  " + request + "\n  was answered: "
                                + answer);
                    }
                }
            }));
        }
        for (var worker : workers) {
            worker.get();
        }
        System.out.printf(
                "Malformed requests: seed %d, %d ms, statuses by kind (0: connection closed) %s%n",
                SEED, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started), statuses);
        return complaints;
    }

    /**
     * What came back.
     *
     * @param status 0 when it has none: the connection was closed, or the answer is a body alone, as of HTTP/0.9
     */
    private record Raw(int status, String headers, String body) {

        @Override
        public String toString() {
            return status + " " + headers.replace("\r\n", ", ") + " | "
                    + body.substring(0, Math.min(600, body.length()));
        }
    }

    private static @Nullable String complaint(Malformed request, Raw answer) {
        if (answer.status() == 0 && answer.body().isEmpty()) {
            return request.mayStayUnanswered() ? null : "no answer";
        }
        if (answer.status() >= 500) {
            return "a fault";
        }
        if (answer.status() < 400 && answer.status() > 0 && request.changes()) {
            return "it was taken";
        }
        if (answer.status() >= 400 || answer.status() == 0) {
            if (INSIDES.matcher(answer.body()).find()) {
                return "insides";
            }
            if (!answer.body().isEmpty() && !isProblem(answer.body())) {
                return "not a problem";
            }
        }
        return null;
    }

    private static boolean isProblem(String body) {
        if (body.startsWith("outcome=error\ncode=")) {
            return true;
        }
        try {
            return !JSON.readTree(body).path("code").asString("").isEmpty();
        } catch (JacksonException e) {
            return false;
        }
    }

    private static Raw send(int port, Malformed request) {
        var bytes = new ByteArrayOutputStream();
        try (var socket = new Socket("localhost", port)) {
            socket.setSoTimeout(PATIENCE_MILLISECONDS);
            socket.getOutputStream().write(request.bytes());
            // Nothing more will come, so that the service need not wait for the rest of what is incomplete.
            socket.shutdownOutput();
            var buffer = new byte[8192];
            var input = socket.getInputStream();
            for (var length = input.read(buffer); length >= 0; length = input.read(buffer)) {
                bytes.write(buffer, 0, length);
            }
        } catch (IOException e) {
            // Reset: the service did not read all. What it said before that counts.
        }
        var text = bytes.toString(StandardCharsets.UTF_8);
        // What comes before the answer proper: 100 Continue.
        while (text.startsWith("HTTP/1.1 1")) {
            text = text.substring(text.indexOf("\r\n\r\n") + 4);
        }
        var end = text.indexOf("\r\n\r\n");
        if (!text.startsWith("HTTP/") || end < 0) {
            return new Raw(0, "", text);
        }
        return new Raw(Integer.parseInt(text.substring(9, 12)), text.substring(0, end), text.substring(end + 4));
    }

    private static Map<String, Long> rows(ServiceProcess process) {
        var jdbc = JdbcClient.create(process.database().dataSource());
        var rows = new TreeMap<String, Long>();
        for (var table : jdbc.sql("""
                        SELECT table_name
                        FROM information_schema.tables
                        WHERE table_schema = current_schema()
                          AND table_type = 'BASE TABLE'""").query(String.class).list()) {
            rows.put(
                    table,
                    jdbc.sql("SELECT count(*) FROM " + table).query(Long.class).single());
        }
        return rows;
    }
}
