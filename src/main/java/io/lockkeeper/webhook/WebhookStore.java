package io.lockkeeper.webhook;

import io.lockkeeper.event.EventId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The table {@code webhook}. Its clock is the database's, and each call is one statement. */
final class WebhookStore {
    /** Long enough for one attempt and for storing what came of it; so late another replica goes on for one that died. */
    static final Duration LEASE = Receiver.TIMEOUT.multipliedBy(2);

    /** A webhook that no replica has declared for so long is forgotten: an update of all replicas is over by then. */
    static final Duration REMEMBERED = Duration.ofMinutes(10);

    /** However many webhooks have something to do, they leave the other connections to acquires, heartbeats and releases. */
    private static final int AT_ONCE = 2;

    private static final String DECLARE = load("declare.sql");
    private static final String LOOK = load("look.sql");
    private static final String CLAIM = load("claim.sql");
    private static final String DELIVERED = load("delivered.sql");
    private static final String SET_ASIDE = load("set-aside.sql");
    private static final String FAILED = load("failed.sql");
    private static final String PASSED = load("passed.sql");
    private static final String STATES = load("states.sql");

    private final JdbcClient jdbc;
    private final Semaphore turns = new Semaphore(AT_ONCE, true);

    WebhookStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * What one look finds.
     *
     * @param lag how old the oldest event is that the webhook has not come to; zero when there is none
     * @param due whether it may be claimed, and is worth it
     */
    record Look(String name, Duration lag, boolean due) {}

    /**
     * The right to deliver, until its lease ends.
     *
     * @param number in the WHERE of every write
     * @param position everything up to here is over and done with
     * @param failures attempts in a row that failed before
     * @param refusals in how many of them the receiver refused the event that is next
     */
    record Claim(String webhook, long number, EventId position, int failures, int refusals) {}

    /** Says which webhooks this replica has, makes those that are new, and forgets those that nobody has had for a while. */
    void declare(Collection<String> names) {
        jdbc.sql(DECLARE).param("names", names.toArray(String[]::new)).update();
        jdbc.sql("DELETE FROM webhook WHERE declared_at < statement_timestamp() - make_interval(secs => :seconds)")
                .param("seconds", REMEMBERED.toSeconds())
                .update();
    }

    List<Look> look(Collection<String> names) {
        return jdbc.sql(LOOK)
                .param("names", names.toArray(String[]::new))
                .query((row, _) -> new Look(
                        row.getString("name"), Duration.ofSeconds(row.getLong("lag_seconds")), row.getBoolean("due")))
                .list();
    }

    /** Empty when another replica was faster. */
    Optional<Claim> claim(String name) {
        return jdbc.sql(CLAIM)
                .param("name", name)
                .param("leaseSeconds", LEASE.toSeconds())
                .query((row, _) -> new Claim(
                        name,
                        row.getLong("claim"),
                        new EventId(Long.parseLong(row.getString("position_transaction")), row.getLong("position_id")),
                        row.getInt("failures"),
                        row.getInt("refusals")))
                .optional();
    }

    /** The webhook goes on behind an event that was delivered; false when the claim is lost. */
    boolean delivered(Claim claim, EventId event) {
        return update(DELIVERED, claim, event, Map.of("leaseSeconds", LEASE.toSeconds()));
    }

    /** The webhook goes on behind an event that its receiver does not want; false when the claim is lost. */
    boolean setAside(Claim claim, EventId event, String error) {
        return update(SET_ASIDE, claim, event, Map.of("leaseSeconds", LEASE.toSeconds(), "error", error));
    }

    /** The webhook goes on behind a place, before which there is nothing for it; false when the claim is lost. */
    boolean passed(Claim claim, EventId position) {
        return update(PASSED, claim, position, Map.of("leaseSeconds", LEASE.toSeconds(), "goesOn", true));
    }

    /** The webhook has come to a place, and whoever wants may go on from there. */
    void giveBack(Claim claim, EventId position) {
        update(PASSED, claim, position, Map.of("leaseSeconds", LEASE.toSeconds(), "goesOn", false));
    }

    /** The event behind a place is to be tried again after a pause, by whichever replica. */
    void failed(Claim claim, EventId position, int failures, int refusals, String error, Duration pause) {
        update(
                FAILED,
                claim,
                position,
                Map.of(
                        "failures",
                        failures,
                        "refusals",
                        refusals,
                        "error",
                        error,
                        "pauseSeconds",
                        pause.toMillis() / 1000.0));
    }

    private boolean update(String statement, Claim claim, EventId position, Map<String, ?> more) {
        return inTurn(() -> jdbc.sql(statement)
                        .param("name", claim.webhook())
                        .param("claim", claim.number())
                        .param("transaction", Long.toString(position.transaction()))
                        .param("id", position.id())
                        .params(more)
                        .update()
                == 1);
    }

    /** Reads or writes when it is this delivery's turn. */
    <T> T inTurn(Supplier<T> work) {
        turns.acquireUninterruptibly();
        try {
            return work.get();
        } finally {
            turns.release();
        }
    }

    /** The pages of runs in CI, of those that have one. */
    Map<Long, String> runUrls(Collection<Long> runs) {
        Map<Long, String> urls = new HashMap<>();
        if (!runs.isEmpty()) {
            jdbc.sql("SELECT id, run_url FROM run WHERE id = ANY (:runs) AND run_url IS NOT NULL")
                    .param("runs", runs.toArray(Long[]::new))
                    .query(row -> {
                        urls.put(row.getLong("id"), row.getString("run_url"));
                    });
        }
        return urls;
    }

    /** A receiver that answers again is not left alone any longer. */
    void hurry(String name) {
        jdbc.sql("""
                        UPDATE webhook SET next_attempt_at = statement_timestamp()
                        WHERE name = :name AND next_attempt_at > statement_timestamp()""").param("name", name).update();
    }

    /** Notes down who tests; what is so noted down is an event, too. */
    void auditTest(String name, String actor) {
        jdbc.sql("""
                        INSERT INTO audit (at, actor, action, environments, after)
                        VALUES (statement_timestamp(), :actor, 'webhook_tested', '{}', jsonb_build_object('name', :name::text))""").param("actor", actor).param("name", name).update();
    }

    /** A webhook's row, as far as it is for people. */
    record Row(
            String name,
            boolean claimed,
            Duration lag,
            int failures,
            @Nullable String lastError,
            @Nullable Instant lastFailedAt,
            Instant nextAttemptAt,
            long delivered,
            @Nullable Instant lastDeliveredAt,
            long refused,
            @Nullable Instant lastRefusedAt,
            long lost,
            @Nullable Instant lastLostAt) {}

    List<Row> rows(Collection<String> names) {
        return jdbc.sql(STATES)
                .param("names", names.toArray(String[]::new))
                .query((row, _) -> new Row(
                        row.getString("name"),
                        row.getBoolean("claimed"),
                        Duration.ofSeconds(row.getLong("lag_seconds")),
                        row.getInt("failures"),
                        row.getString("last_error"),
                        instant(row, "last_failed_at"),
                        row.getObject("next_attempt_at", OffsetDateTime.class).toInstant(),
                        row.getLong("delivered"),
                        instant(row, "last_delivered_at"),
                        row.getLong("refused"),
                        instant(row, "last_refused_at"),
                        row.getLong("lost"),
                        instant(row, "last_lost_at")))
                .list();
    }

    private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
        OffsetDateTime at = row.getObject(column, OffsetDateTime.class);
        return at == null ? null : at.toInstant();
    }

    private static String load(String name) {
        try {
            return new ClassPathResource("sql/webhook/" + name).getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
