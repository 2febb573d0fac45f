package io.lockkeeper.benchmark;

import io.lockkeeper.benchmark.Benchmark.Step;
import io.lockkeeper.benchmark.Service.Acquired;
import java.sql.Connection;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/** What the same calls take beside a handful of runs, and beside a long history and a long queue. */
final class Scale {
    private static final int ENDED = 1_000_000;
    private static final int QUEUED = 10_000;
    private static final int CALLS = 300;
    /** Before each half the same, since the answers differ (a list of 100 instead of an empty one), and so does the code that writes them. */
    private static final int WARM_UP = 3000;

    private static final double AIM = 3;

    private static final String ENVIRONMENT = "scale";

    private final Service service;
    private final Connection connection;

    Scale(Service service, Connection connection) {
        this.service = service;
        this.connection = connection;
    }

    void run() throws Exception {
        Acquired holder = service.acquire(ENVIRONMENT, 86_400);
        SequencedMap<String, Double> few = measure();
        long start = System.nanoTime();
        fill();
        Benchmark.say(String.format(
                Locale.ROOT,
                "%,d ended and %,d queued runs written in %.0f s",
                ENDED,
                QUEUED,
                Benchmark.seconds(start)));
        SequencedMap<String, Double> many = measure();
        few.forEach((name, before) -> {
            double after = many.getOrDefault(name, Double.NaN);
            Benchmark.say(String.format(
                    Locale.ROOT,
                    "%-52s %7.2f ms beside few, %7.2f ms beside many; ratio %.1f%s",
                    name,
                    before,
                    after,
                    after / before,
                    after / before > AIM ? ", above the aim of " + Math.round(AIM) : ""));
        });
        service.release(holder);
    }

    private SequencedMap<String, Double> measure() throws Exception {
        SequencedMap<String, Step> steps = new LinkedHashMap<>();
        steps.put("deployment-status", () -> service.get("/api/admin/deployment-status?environment=" + ENVIRONMENT));
        steps.put("queue-check", () -> service.get("/api/environments/" + ENVIRONMENT + "/queue-check"));
        steps.put("acquire, which queues, and release of that run", () -> service.leave(service.acquire(ENVIRONMENT)));
        steps.put("history, 50 runs of all", () -> service.get("/api/admin/deployments?limit=50"));
        steps.put(
                "history, 50 runs of an environment and a status",
                () -> service.get("/api/admin/deployments?limit=50&status=cancelled&environment=" + ENVIRONMENT));
        SequencedMap<String, Double> medians = new LinkedHashMap<>();
        for (var step : steps.entrySet()) {
            Benchmark.times(WARM_UP, step.getValue());
        }
        for (var step : steps.entrySet()) {
            List<Double> times = Benchmark.times(CALLS, step.getValue());
            medians.put(step.getKey(), Benchmark.median(times));
        }
        return medians;
    }

    /**
     * Writes the rows that as many requests would have left: half of the history in the measured environment, spread over ten weeks, and the
     * queue all in it. Without triggers, so that it takes a minute and not an hour.
     */
    private void fill() throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = 'replica'");
            statement.execute("INSERT INTO lock_group (name) SELECT 'other-' || i FROM generate_series(1, 9) AS i");
            statement.execute("""
                    INSERT INTO environment (name, lock_group, created_at)
                    SELECT name, name, statement_timestamp() FROM lock_group WHERE name LIKE 'other-%'""");
            statement.execute("CREATE TEMPORARY TABLE first AS SELECT nextval('run_id_seq') + 1 AS id");
            statement.execute("""
                    INSERT INTO run (environments, status, status_reason, priority, coverage, lease_seconds,
                                     created_at, granted_at, picked_up_at, completed_at, last_contact_at, lease_expires_at, fencing_token,
                                     lock_token_nonce, lock_token_digest, caller, request_digest, batch_key,
                                     batched_into, covered, shipped_by, skip_reason, reported_status,
                                     sha, ref, repository, title, user_name, source, run_url)
                    SELECT ARRAY[environment], status, 'released by its client', 1, 'pinned', 1800,
                           ended - interval '4 minutes',
                           CASE WHEN granted THEN ended - interval '3 minutes' END,
                           CASE WHEN granted THEN ended - interval '3 minutes' END,
                           ended, ended,
                           CASE WHEN granted THEN ended + interval '30 minutes' END,
                           CASE WHEN granted THEN nextval('fencing_token') END,
                           gen_random_uuid(), sha256(i::text::bytea), 'admin', sha256(i::text::bytea), sha256(environment::bytea),
                           CASE WHEN status = 'skipped' THEN cover END,
                           CASE WHEN status = 'skipped' THEN true END,
                           CASE WHEN status = 'skipped' THEN cover END,
                           CASE WHEN status = 'skipped' THEN 'batch-threshold' END,
                           CASE WHEN status IN ('success', 'failure') THEN status END,
                           md5(i::text), 'main', 'shop/' || environment, 'Change number ' || i, 'user-' || mod(i, 50), 'github',
                           'https://ci.example/' || i
                    FROM (
                        SELECT i,
                               CASE WHEN mod(i, 2) = 0 THEN 'scale' ELSE 'other-' || 1 + mod(i / 2, 9) END AS environment,
                               -- Each skip has a cover of its own, a success of its environment: the planner goes by how the values spread.
                               first.id - 1 + greatest(i - 18, 1) AS cover,
                               (ARRAY['success', 'success', 'success', 'success', 'success', 'success', 'failure',
                                      'cancelled', 'expired', 'skipped'])[1 + mod(i / 2, 10)] AS status,
                               (ARRAY[true, true, true, true, true, true, true, false, true, false])[1 + mod(i / 2, 10)] AS granted,
                               statement_timestamp() - make_interval(secs => 6 * (%1$d - i)) AS ended
                        FROM generate_series(1, %1$d) AS i, first
                    ) AS past
                    ORDER BY i""".formatted(ENDED));
            statement.execute("""
                    INSERT INTO run (environments, status, priority, coverage, lease_seconds, created_at, last_contact_at,
                                     queue_expires_at, presence_expires_at,
                                     lock_token_nonce, lock_token_digest, caller, request_digest, batch_key,
                                     sha, ref, repository, title, user_name, source, run_url)
                    SELECT '{scale}', 'queued', 1, 'pinned', 1800, statement_timestamp(), statement_timestamp(),
                           statement_timestamp() + interval '1 day', statement_timestamp() + interval '1 day',
                           gen_random_uuid(), sha256(i::text::bytea), 'admin', sha256(i::text::bytea), sha256('scale'),
                           md5(i::text), 'main', 'shop/scale', 'Change number ' || i, 'user-' || mod(i, 50), 'github',
                           'https://ci.example/' || i
                    FROM generate_series(1, %d) AS i
                    ORDER BY i""".formatted(QUEUED));
            statement.execute("""
                    INSERT INTO run_environment (environment, run_id, status, priority)
                    SELECT r.environments[1], r.id, r.status, r.priority FROM run r, first WHERE r.id >= first.id ORDER BY r.id""");
            statement.execute("""
                    INSERT INTO claim (run_id, lock_group, status, priority)
                    SELECT r.id, r.environments[1], r.status, r.priority
                    FROM run r, first
                    WHERE r.id >= first.id AND r.status <> 'skipped'
                    ORDER BY r.id""");
            statement.execute("RESET session_replication_role");
            // As it is after some hours of service.
            statement.execute("VACUUM ANALYZE");
            statement.execute("CHECKPOINT");
        }
    }
}
