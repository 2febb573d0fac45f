package io.lockkeeper.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;

/** What is deleted when, and what is not. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RetentionTest {
    private static final Duration OLD = Duration.ofDays(91);

    private final PastRuns past = new PastRuns();
    private final Retention retention = retention();

    @Test
    void ended_runs_are_deleted_after_their_time_with_what_hangs_on_them() {
        past.run("production").ago(OLD).write();
        past.run("production", "staging").neverGranted("timed_out").ago(OLD).write();
        long young = past.run("production").ago(Duration.ofDays(89)).write();

        assertThat(retention.run()).isEqualTo(new Retention.Deleted(2, 0, 0));

        assertThat(past.ids()).containsExactly(young);
        assertThat(count("run_environment")).isEqualTo(1);
        assertThat(count("claim")).isEqualTo(1);
        assertThat(count("environment")).isEqualTo(2);
    }

    @Test
    void pending_runs_stay_however_old() {
        past.run("production").neverGranted("queued").waited(OLD).ago(OLD).write();
        past.run("staging").ended("in_progress").held(OLD).ago(OLD).write();

        assertThat(retention.run()).isEqualTo(new Retention.Deleted(0, 0, 0));
        assertThat(past.ids()).hasSize(2);
    }

    @Test
    void receipt_keeps_the_runs_that_it_names() {
        long cover = past.run("production").ended("failure").ago(OLD).write();
        long shipper = past.run("production").ago(OLD).write();
        long newer = past.run("production").ago(OLD).write();
        long skipped =
                past.run("production").skippedFor(cover).shippedBy(shipper).write();
        long superseded = past.run("production").supersededBy(newer).write();
        past.run("production").ago(OLD).write();

        assertThat(retention.run().runs()).isEqualTo(1);
        assertThat(past.ids()).containsExactly(cover, shipper, newer, skipped, superseded);

        makeOld(skipped);
        assertThat(retention.run().runs()).isEqualTo(3);
        assertThat(past.ids()).containsExactly(newer, superseded);
    }

    @Test
    void chain_of_superseded_runs_is_deleted_as_a_whole_or_kept_from_the_first_one_that_is_kept() {
        long last = past.run("production").ago(OLD).write();
        long third = past.run("production").supersededBy(last).ago(OLD).write();
        long second = past.run("production").supersededBy(third).write();
        past.run("production").supersededBy(second).ago(OLD).write();

        assertThat(retention.run().runs()).isEqualTo(1);
        assertThat(past.ids()).containsExactly(last, third, second);

        makeOld(second);
        assertThat(retention.run().runs()).isEqualTo(3);
    }

    @Test
    void last_deployment_and_the_reason_of_a_quarantine_stay() {
        long deployed = past.run("production").ago(OLD).write();
        long broken = past.run("staging").ended("failure").ago(OLD).write();
        past.run("staging").ago(OLD).write();
        past.jdbc
                .sql("UPDATE environment SET last_deployment_run = ? WHERE name = 'production'")
                .param(deployed)
                .update();
        past.jdbc.sql("""
                UPDATE environment
                SET quarantined_at = statement_timestamp(), quarantine_reason = 'failed', quarantine_run = ?
                WHERE name = 'staging'""").param(broken).update();

        assertThat(retention.run().runs()).isEqualTo(1);
        assertThat(past.ids()).containsExactly(deployed, broken);
    }

    @Test
    void batches_follow_each_other_until_nothing_is_left() {
        past.run("production").neverGranted("cancelled").ago(OLD).write();
        copy(Retention.BATCH * 2 + 10, "cancelled", false);
        long young = past.run("production").write();

        assertThat(retention.run().runs()).isEqualTo(Retention.BATCH * 2 + 11);
        assertThat(past.ids()).containsExactly(young);
    }

    @Test
    void more_kept_runs_than_a_batch_holds_do_not_hide_what_is_behind_them() {
        past.run("production").neverGranted("cancelled").ago(OLD.plusDays(1)).write();
        copy(Retention.BATCH + 10, "cancelled", false);
        copy(1, "superseded", true);
        long behind = past.run("production").ago(OLD).write();

        assertThat(retention.run().runs()).isEqualTo(1);
        assertThat(past.ids()).hasSize((Retention.BATCH + 11) * 2).doesNotContain(behind);
    }

    @Test
    void audit_and_events_have_times_of_their_own() {
        past.jdbc.sql("""
                INSERT INTO audit (at, actor, action, environments)
                SELECT statement_timestamp() - make_interval(days => days), 'alice', 'freeze', '{production}'
                FROM generate_series(1, 1000) AS days""").update();
        past.jdbc
                .sql("UPDATE event SET at = statement_timestamp() - make_interval(days => id::integer)")
                .update();

        assertThat(retention.run()).isEqualTo(new Retention.Deleted(0, 601, 994));
        assertThat(count("audit")).isEqualTo(399);
        assertThat(count("event")).isEqualTo(6);
    }

    @Test
    void audit_trail_stays_append_only_for_everybody_else() {
        past.jdbc
                .sql(
                        "INSERT INTO audit (at, actor, action, environments) VALUES (now() - interval '2 years', 'a', 'b', '{}')")
                .update();
        retention.run();
        past.jdbc
                .sql("INSERT INTO audit (at, actor, action, environments) VALUES (now(), 'a', 'b', '{}')")
                .update();

        assertThatThrownBy(() -> past.jdbc.sql("DELETE FROM audit").update()).hasMessageContaining("append-only");
    }

    @Test
    void one_replica_at_a_time_deletes() throws SQLException {
        past.run("production").ago(OLD).write();
        try (var connection = past.database.dataSource().getConnection();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT pg_advisory_xact_lock(hashtextextended('lockkeeper retention', 0))");
            assertThat(retention.run().runs()).isZero();
            connection.rollback();
        }
        assertThat(retention.run().runs()).isEqualTo(1);
    }

    @Test
    void run_that_somebody_has_locked_is_left_for_the_next_time() throws SQLException {
        long locked = past.run("production").ago(OLD).write();
        past.run("production").ago(OLD).write();
        try (var connection = past.database.dataSource().getConnection();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT FROM run WHERE id = " + locked + " FOR SHARE");
            assertThat(retention.run().runs()).isEqualTo(1);
            connection.rollback();
        }
        assertThat(past.ids()).containsExactly(locked);
        assertThat(retention.run().runs()).isEqualTo(1);
    }

    private Retention retention() {
        DataSource dataSource = past.database.dataSource();
        return new Retention(
                JdbcClient.create(dataSource),
                new JdbcTransactionManager(dataSource),
                new RetentionProperties(90, 400, 7));
    }

    /** Each run so often again; as a superseded one that ended just now and names its original, or as it is. */
    private void copy(int times, String status, boolean namesOriginal) {
        past.jdbc
                .sql("""
                INSERT INTO run (environments, status, status_reason, priority, coverage, lease_seconds, created_at, completed_at,
                                 last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key, superseded_by)
                SELECT environments, :status, status_reason, priority, coverage, lease_seconds, created_at,
                       CASE WHEN :names THEN statement_timestamp() ELSE completed_at END,
                       last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key,
                       CASE WHEN :names THEN id END
                FROM run, generate_series(1, :times)""")
                .param("status", status)
                .param("names", namesOriginal)
                .param("times", times)
                .update();
    }

    private void makeOld(long run) {
        past.jdbc.sql("ALTER TABLE run DISABLE TRIGGER run_guard").update();
        past.jdbc
                .sql("UPDATE run SET completed_at = completed_at - interval '91 days' WHERE id = ?")
                .param(run)
                .update();
        past.jdbc.sql("ALTER TABLE run ENABLE TRIGGER run_guard").update();
    }

    private long count(String table) {
        return past.jdbc.sql("SELECT count(*) FROM " + table).query(Long.class).single();
    }
}
