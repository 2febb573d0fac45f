package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Alone;
import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Fifty clients, each a process of its own, on three environments for half a minute. */
@Alone
class HammerIT {
    private static final int CLIENTS = 50;
    private static final int SECONDS = 30;

    /** What a pipeline without a client does: acquire, wait, write its name where only the holder may, release; until the time is up. */
    private static final String CLIENT = """
            set -eu
            field() { sed -n "s/^$1=//p" "$2"; }
            call() { curl -sS --retry 3 -o "$answer" -H "Authorization: Bearer $TOKEN" -H 'Accept: text/plain' "$@"; }
            answer=$DIRECTORY/answer-$NUMBER
            environment=env-$((NUMBER % 3))
            served=0
            end=$(($(date +%s) + SECONDS_TO_GO))
            while [ "$(date +%s)" -lt "$end" ]; do
              call -H 'Content-Type: application/json' -d '{"batch":false,"lease_seconds":30}' "$URL/api/environments/$environment/acquire"
              run=$(field run_id "$answer") token=$(field lock_token "$answer")
              while [ "$(field outcome "$answer")" = queued ]; do
                call -H "Lock-Token: $token" "$URL/api/runs/$run?wait_seconds=30"
              done
              [ "$(field outcome "$answer")" = granted ] || { cat "$answer" >&2; exit 1; }
              mkdir "$DIRECTORY/site-$environment" || { echo "run $run is not alone in $environment" >&2; exit 1; }
              rmdir "$DIRECTORY/site-$environment"
              call -X POST -H "Lock-Token: $token" "$URL/api/runs/$run/release"
              [ "$(field outcome "$answer")" = ended ] || { cat "$answer" >&2; exit 1; }
              served=$((served + 1))
            done
            echo "$served"
            """;

    @TempDir
    Path directory;

    @Test
    void fifty_processes_on_three_environments_are_all_served_one_at_a_time_and_in_order() throws Exception {
        // One token for all of them, as fast as it goes.
        try (ServiceProcess service = ServiceProcess.start("--lockkeeper.limits.requests-per-second=0")) {
            hammer(service, 6, 3);
            long handles = count(service, "fd");
            long threads = count(service, "task");

            List<Integer> served = hammer(service, CLIENTS, SECONDS);

            assertThat(served).as("every client was served").allMatch(times -> times > 0);
            assertGrantsNeverOverlapAndKeepTheirOrder(service);
            assertThat(new Api(service.url(), service.adminToken()).integrity().text())
                    .isEqualTo("{\"violations\":[]}");
            // Fifty clients may leave that many connections open for a while, each with a handle; nothing else grows.
            assertThat(count(service, "task")).as("threads, %d before", threads).isLessThan(threads + 20);
            assertThat(count(service, "fd")).as("handles, %d before", handles).isLessThan(handles + CLIENTS + 20);
        }
    }

    private List<Integer> hammer(ServiceProcess service, int clients, int seconds) throws Exception {
        Path script = Files.writeString(directory.resolve("client.sh"), CLIENT);
        List<Process> processes = new ArrayList<>();
        for (int number = 0; number < clients; number++) {
            ProcessBuilder builder = new ProcessBuilder("sh", script.toString());
            builder.environment().put("URL", service.url().toString());
            builder.environment().put("TOKEN", service.adminToken());
            builder.environment().put("DIRECTORY", directory.toString());
            builder.environment().put("NUMBER", Integer.toString(number));
            builder.environment().put("SECONDS_TO_GO", Integer.toString(seconds));
            builder.redirectError(directory.resolve("stderr-" + number).toFile());
            processes.add(builder.start());
        }
        List<Integer> served = new ArrayList<>();
        for (int number = 0; number < clients; number++) {
            Process process = processes.get(number);
            String output =
                    new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue())
                    .as("client %d: %s", number, Files.readString(directory.resolve("stderr-" + number)))
                    .isZero();
            served.add(Integer.parseInt(output.strip()));
        }
        return served;
    }

    private static void assertGrantsNeverOverlapAndKeepTheirOrder(ServiceProcess service) {
        JdbcClient jdbc = JdbcClient.create(service.database().dataSource());
        assertThat(jdbc.sql("""
                        SELECT id
                        FROM (SELECT r.id, r.granted_at,
                                     lag(r.completed_at) OVER grants AS freed_at,
                                     lag(r.id) OVER grants AS before
                              FROM claim c JOIN run r ON r.id = c.run_id
                              WHERE r.fencing_token IS NOT NULL
                              WINDOW grants AS (PARTITION BY c.lock_group ORDER BY r.fencing_token)) AS grants
                        WHERE granted_at < freed_at OR id < before""").query(Long.class).list())
                .as("runs granted before the lock was free, or out of order")
                .isEmpty();
        assertThat(jdbc.sql("SELECT count(*) FROM run WHERE status <> 'success'")
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    private static long count(ServiceProcess service, String what) throws IOException {
        try (var entries =
                Files.list(Path.of("/proc", Long.toString(service.handle().pid()), what))) {
            return entries.count();
        }
    }
}
