package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;
import org.springframework.dao.DataAccessException;

/** What the database refuses by itself, whatever the code does: plain SQL against the schema, each refusal by the name of its guard. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DatabaseGuardsTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-1")
    void second_holder_of_a_lock_group_is_refused() {
        lockkeeper.acquire("production");
        Run second = lockkeeper.acquire("production");

        assertRefused("claim_one_holder", () -> grantByHand(second, "nextval('fencing_token')"));
        assertRefused("claim_one_holder", () -> insertHolder("production", "nextval('fencing_token')"));
    }

    @Test
    @Tag("invariant-2")
    void fencing_token_is_not_used_twice() {
        Run first = lockkeeper.acquire("production");
        lockkeeper.share("staging", "staging");

        assertRefused("run_fencing_token_is_unique", () -> insertHolder("staging", "" + token(first)));
    }

    @Test
    @Tag("invariant-2")
    void fencing_token_of_a_group_does_not_shrink() {
        Run first = lockkeeper.acquire("production");
        lockkeeper.release(first);

        assertRefused("claim_fencing_token_grows", () -> insertHolder("production", "" + (token(first) - 1)));
    }

    @Test
    @Tag("invariant-2")
    void fencing_token_of_a_deleted_run_is_not_used_again() {
        Run first = lockkeeper.acquire("production");
        lockkeeper.release(first);
        long used = token(first);
        lockkeeper.jdbc.update("DELETE FROM run WHERE id = ?", first.id().value());

        assertRefused("claim_fencing_token_grows", () -> insertHolder("production", "" + used));
        assertThat(lockkeeper
                        .acquire("production")
                        .requireGrant()
                        .fencingToken()
                        .value())
                .isGreaterThan(used);
    }

    @Test
    @Tag("invariant-2")
    void granted_run_keeps_its_fencing_token() {
        Run run = lockkeeper.acquire("production");

        assertRefused("run_fencing_token_is_final", () -> set(run, "fencing_token = nextval('fencing_token')"));
        assertRefused("run_fencing_token_is_final", () -> set(run, "fencing_token = NULL"));
    }

    @Test
    @Tag("invariant-4")
    void claims_of_a_run_have_its_status_in_every_group() {
        Run both = lockkeeper.acquire("production", "staging");
        assertThat(claims(both)).isEqualTo("production:in_progress staging:in_progress");

        set(both, "status = 'success', status_reason = 'by hand', completed_at = now()");

        assertThat(claims(both)).isEqualTo("production:success staging:success");
    }

    @Test
    @Tag("invariant-4")
    void claim_cannot_leave_the_status_of_its_run() {
        Run both = lockkeeper.acquire("production", "staging");

        assertRefused(
                "claim_follows_its_run",
                () -> lockkeeper.jdbc.update(
                        "UPDATE claim SET status = 'queued' WHERE run_id = ? AND lock_group = 'staging'",
                        both.id().value()));
    }

    @Test
    @Tag("invariant-4")
    void run_over_two_groups_is_not_granted_while_one_of_them_is_held() {
        lockkeeper.acquire("staging");
        Run both = lockkeeper.acquire("production", "staging");

        assertRefused("claim_one_holder", () -> grantByHand(both, "nextval('fencing_token')"));
        assertThat(claims(both)).isEqualTo("production:queued staging:queued");
    }

    @Test
    @Tag("invariant-9")
    void ended_run_does_not_change_its_status() {
        for (RunStatus ended : RunStatus.values()) {
            if (ended.hasEnded() && ended != RunStatus.SKIPPED) {
                Run run = lockkeeper.acquire("production");
                set(
                        run,
                        "status = '" + ended.label() + "', status_reason = 'by hand', completed_at = now()"
                                + (ended == RunStatus.SUPERSEDED ? ", superseded_by = id" : ""));

                assertRefused("run_ended_is_final", () -> set(run, "status = 'in_progress', completed_at = NULL"));
                assertRefused("run_ended_is_final", () -> set(run, "status = 'skipped'"));
                assertRefused(
                        "run_ended_is_final", () -> set(run, "completed_at = completed_at + interval '1 second'"));
            }
        }
    }

    @Test
    @Tag("invariant-9")
    void ended_run_still_keeps_what_its_client_reported_late() {
        Run run = lockkeeper.acquire("production");
        set(run, "status = 'expired', status_reason = 'by hand', completed_at = now()");

        set(run, "reported_status = 'success', deployed_sha = 'abc'");

        assertThat(lockkeeper.now(run).report()).isEqualTo(new Report(Report.Result.SUCCESS, "abc"));
    }

    @Test
    @Tag("invariant-11")
    void run_does_not_end_without_a_reason_and_a_time() {
        Run run = lockkeeper.acquire("production");

        assertRefused("run_ends_with_a_reason", () -> set(run, "status = 'success', completed_at = now()"));
        assertRefused("run_ended_has_a_time", () -> set(run, "status = 'success', status_reason = 'by hand'"));
        assertRefused("run_ended_has_a_time", () -> set(run, "completed_at = now(), status_reason = 'by hand'"));
    }

    @Test
    @Tag("invariant-11")
    void skip_names_its_cover_and_says_whether_it_is_covered() {
        Run cover = lockkeeper.acquire("production");

        assertRefused("run_skip_names_its_cover", () -> insertSkipped("NULL", "true"));
        assertRefused("run_skip_names_its_cover", () -> insertSkipped("" + cover.id(), "NULL"));
        assertRefused("run_cover_exists", () -> insertSkipped("4711", "true"));
        insertSkipped("" + cover.id(), "true");
        assertRefused("run_only_skips_are_batched", () -> set(cover, "batched_into = id, covered = true"));
    }

    @Test
    @Tag("invariant-11")
    void cover_is_not_deleted_from_under_its_receipts() {
        Run cover = lockkeeper.acquire("production");
        insertSkipped("" + cover.id(), "true");

        assertRefused(
                "run_cover_exists",
                () -> lockkeeper.jdbc.update(
                        "DELETE FROM run WHERE id = ?", cover.id().value()));
    }

    @Test
    @Tag("invariant-8")
    void idempotency_key_of_a_caller_makes_one_run() {
        Run keyed = lockkeeper.acquire(Fixture.request("production").key("k"));
        Run other = lockkeeper.acquire("production");

        assertRefused(
                "run_idempotency_key",
                () -> set(
                        other,
                        "idempotency_key = 'k', caller = (SELECT caller FROM run WHERE id = " + keyed.id() + ")"));
        set(other, "idempotency_key = 'k', caller = 'somebody else'");
    }

    @Test
    @Tag("invariant-10")
    void queued_run_has_its_deadlines() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");

        assertRefused("run_queued_has_deadlines", () -> set(queued, "presence_expires_at = NULL"));
        assertRefused("run_queued_has_deadlines", () -> set(queued, "queue_expires_at = NULL"));
    }

    @Test
    void grant_has_a_token_a_time_and_a_lease() {
        lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");

        assertRefused("run_granted_is_whole", () -> set(queued, "granted_at = now()"));
        assertRefused(
                "run_never_granted_while_waiting",
                () -> set(
                        queued,
                        "granted_at = now(), lease_expires_at = now(), fencing_token = nextval('fencing_token')"));
        assertRefused("run_in_progress_has_a_grant", () -> set(queued, "status = 'in_progress'"));
    }

    @Test
    void invalid_names_are_refused() {
        for (String name : List.of("", "Production", "a/b", "-a", "a-", "a b", "a".repeat(65))) {
            assertRefused(
                    "lock_group_name_is_valid",
                    () -> lockkeeper.jdbc.update("INSERT INTO lock_group (name) VALUES (?)", name));
            assertRefused("environment_name_is_valid", () -> lockkeeper.share("production", name));
        }
    }

    private void assertRefused(String guard, ThrowingCallable write) {
        assertThatThrownBy(write).isInstanceOf(DataAccessException.class).satisfies(refused -> {
            var postgres = (PSQLException) Objects.requireNonNull(refused.getCause());
            assertThat(Objects.requireNonNull(postgres.getServerErrorMessage()).getConstraint())
                    .isEqualTo(guard);
        });
    }

    private void grantByHand(Run run, String token) {
        set(run, "status = 'in_progress', granted_at = now(), lease_expires_at = now(), fencing_token = " + token);
    }

    private void set(Run run, String assignments) {
        lockkeeper.jdbc.update(
                "UPDATE run SET " + assignments + " WHERE id = ?", run.id().value());
    }

    private void insertHolder(String group, String token) {
        lockkeeper.jdbc.update("""
                WITH inserted AS (
                    INSERT INTO run (environments, status, priority, coverage, lease_seconds, created_at, granted_at, last_contact_at,
                                     lease_expires_at, fencing_token, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key)
                    VALUES (ARRAY['%1$s'], 'in_progress', 1, 'pinned', 60, now(), now(), now(),
                            now(), %2$s, gen_random_uuid(), '', 'by hand', '', '')
                    RETURNING id, status, priority
                )
                INSERT INTO claim (run_id, lock_group, status, priority) SELECT id, '%1$s', status, priority FROM inserted""".formatted(group, token));
    }

    private void insertSkipped(String batchedInto, String covered) {
        lockkeeper.jdbc.update("""
                INSERT INTO run (environments, status, status_reason, priority, coverage, lease_seconds, created_at, completed_at,
                                 last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key,
                                 batched_into, covered, skip_reason)
                VALUES (ARRAY['production'], 'skipped', 'by hand', 1, 'pinned', 60, now(), now(),
                        now(), gen_random_uuid(), '', 'by hand', '', '', %s, %s, 'batch-threshold')""".formatted(batchedInto, covered));
    }

    private String claims(Run run) {
        return Objects.requireNonNull(lockkeeper.jdbc.queryForObject(
                "SELECT string_agg(lock_group || ':' || status, ' ' ORDER BY lock_group) FROM claim WHERE run_id = ?",
                String.class,
                run.id().value()));
    }

    private static long token(Run run) {
        return run.requireGrant().fencingToken().value();
    }
}
