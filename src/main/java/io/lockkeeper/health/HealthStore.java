package io.lockkeeper.health;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/** The table {@code environment_health}. Its clock is the database's. */
final class HealthStore {
    private static final String TAKE_TURN =
            "SELECT pg_try_advisory_xact_lock(hashtextextended('lockkeeper health prober', 0))";

    /** Environments that are gone took their rows along. */
    private static final String FORGET = """
            DELETE FROM environment_health h
            USING environment e
            WHERE e.name = h.environment AND e.health_url IS NULL""";

    private static final String CLAIM = load("claim.sql");
    private static final String STORE = load("store.sql");
    private static final String FIRST = "The first probe has not ended yet.";

    private final JdbcClient jdbc;
    private final TransactionTemplate transaction;

    HealthStore(JdbcClient jdbc, PlatformTransactionManager transactions) {
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
        // At any other level the snapshot would be older than the turn.
        transaction.setIsolationLevel(TransactionDefinition.ISOLATION_READ_COMMITTED);
    }

    /**
     * One environment that is to be probed by whoever claimed it.
     *
     * @param claimedAt which claim this is
     */
    record Claim(String environment, String url, OffsetDateTime claimedAt) {}

    /**
     * Claims environments that nobody has claimed for {@code pause}, and drops the results of those that have no health URL any more.
     *
     * @param limit how many at most; 0 claims none
     * @return the claimed ones; empty as well while another replica is claiming
     */
    List<Claim> claim(Duration pause, int limit) {
        return transaction.execute(_ -> {
            // A statement of its own: the next ones see what the last to have the turn committed.
            if (!jdbc.sql(TAKE_TURN).query(Boolean.class).single()) {
                return List.of();
            }
            jdbc.sql(FORGET).update();
            return jdbc.sql(CLAIM)
                    .param("first", FIRST)
                    .param("pauseSeconds", pause.toSeconds())
                    .param("limit", limit)
                    .query((row, number) -> new Claim(
                            row.getString("environment"),
                            row.getString("health_url"),
                            row.getObject("claimed_at", OffsetDateTime.class)))
                    .list();
        });
    }

    /** Keeps a finding, unless its claim is over. */
    void store(Claim claim, Finding finding) {
        jdbc.sql(STORE)
                .param("status", finding.status().name().toLowerCase(Locale.ROOT))
                .param("detail", finding.detail())
                .param("environment", claim.environment())
                .param("claimedAt", claim.claimedAt())
                .param("url", claim.url())
                .update();
    }

    private static String load(String name) {
        try {
            return new ClassPathResource("sql/health/" + name).getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
