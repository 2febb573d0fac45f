package io.lockkeeper.history;

import io.lockkeeper.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Writes runs as they would be stored after they have happened. */
final class PastRuns {
    final TestDatabase database = TestDatabase.migrated();
    final JdbcClient jdbc = JdbcClient.create(database.dataSource());

    private long fencingToken;

    /** A run to write; the defaults make a success of a minute that ended just now. */
    final class Past {
        private final String[] environments;
        private String status = "success";
        private Duration waited = Duration.ZERO;
        private @Nullable Duration held = Duration.ofMinutes(1);
        private Duration ago = Duration.ZERO;
        private final Map<String, @Nullable Object> columns = new TreeMap<>();

        private Past(String... environments) {
            this.environments = environments;
        }

        /** Ended without the lock. */
        Past neverGranted(String as) {
            status = as;
            held = null;
            return this;
        }

        Past ended(String as) {
            status = as;
            return this;
        }

        Past waited(Duration time) {
            waited = time;
            return this;
        }

        Past held(Duration time) {
            held = time;
            return this;
        }

        Past ago(Duration time) {
            ago = time;
            return this;
        }

        Past by(String user) {
            columns.put("user_name", user);
            return this;
        }

        Past of(String repository) {
            columns.put("repository", repository);
            return this;
        }

        Past skippedFor(long run) {
            columns.put("batched_into", run);
            columns.put("covered", false);
            columns.put("skip_reason", "batch-threshold");
            return neverGranted("skipped");
        }

        Past shippedBy(long run) {
            columns.put("shipped_by", run);
            return this;
        }

        Past supersededBy(long run) {
            columns.put("superseded_by", run);
            return neverGranted("superseded");
        }

        long write() {
            for (String environment : environments) {
                jdbc.sql("INSERT INTO lock_group (name) VALUES (?) ON CONFLICT DO NOTHING")
                        .param(environment)
                        .update();
                jdbc.sql("""
                        INSERT INTO environment (name, lock_group, created_at) VALUES (?, ?, statement_timestamp())
                        ON CONFLICT DO NOTHING""").param(environment).param(environment).update();
            }
            Instant completed = Instant.now().minus(ago);
            Instant granted = held == null ? null : completed.minus(held);
            Instant created = Objects.requireNonNullElse(granted, completed).minus(waited);
            boolean pending = List.of("queued", "in_progress").contains(status);
            long id = jdbc.sql("""
                    INSERT INTO run (environments, status, status_reason, priority, coverage, lease_seconds,
                                     created_at, granted_at, picked_up_at, completed_at, last_contact_at,
                                     queue_expires_at, presence_expires_at, lease_expires_at, fencing_token,
                                     lock_token_nonce, lock_token_digest, caller, request_digest, batch_key,
                                     batched_into, covered, skip_reason, shipped_by, superseded_by, user_name, repository)
                    VALUES (:environments, :status, CASE WHEN NOT :pending THEN 'it is a test' END, 1, 'pinned', 1800,
                            :created, :granted::timestamptz, :granted::timestamptz, CASE WHEN NOT :pending THEN :completed::timestamptz END, :created,
                            :created, :created, :granted::timestamptz, :token::bigint,
                            gen_random_uuid(), '', 'tester', '', '',
                            :batched_into::bigint, :covered::boolean, :skip_reason, :shipped_by::bigint, :superseded_by::bigint, :user_name, :repository)
                    RETURNING id""")
                    .param("environments", environments)
                    .param("status", status)
                    .param("pending", pending)
                    .param("created", at(created))
                    .param("granted", granted == null ? null : at(granted))
                    .param("completed", at(completed))
                    .param("token", granted == null ? null : ++fencingToken)
                    .param("batched_into", columns.get("batched_into"))
                    .param("covered", columns.get("covered"))
                    .param("skip_reason", columns.get("skip_reason"))
                    .param("shipped_by", columns.get("shipped_by"))
                    .param("superseded_by", columns.get("superseded_by"))
                    .param("user_name", columns.get("user_name"))
                    .param("repository", columns.get("repository"))
                    .query(Long.class)
                    .single();
            Arrays.stream(environments).forEach(environment -> {
                jdbc.sql("INSERT INTO run_environment (environment, run_id, status, priority) VALUES (?, ?, ?, 1)")
                        .param(environment)
                        .param(id)
                        .param(status)
                        .update();
                if (!status.equals("skipped") && !status.equals("in_progress")) {
                    jdbc.sql("INSERT INTO claim (run_id, lock_group, status, priority) VALUES (?, ?, ?, 1)")
                            .param(id)
                            .param(environment)
                            .param(status)
                            .update();
                }
            });
            return id;
        }
    }

    Past run(String... environments) {
        return new Past(environments);
    }

    List<Long> ids() {
        return jdbc.sql("SELECT id FROM run ORDER BY id")
                .query((row, number) -> row.getLong(1))
                .list();
    }

    private static OffsetDateTime at(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }
}
