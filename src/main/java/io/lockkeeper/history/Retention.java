package io.lockkeeper.history;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Deletes what is older than it is to be kept, in batches that are transactions of their own.
 *
 * <p>It stands in nobody's way. It takes none of the groups' locks: transitions write pending runs, and this deletes ended ones. What others have
 * locked it leaves for the next time, and what it has locked itself, a few hundred old rows for some milliseconds, only the release that
 * ships one of those old changes after all would wait for. One replica does it at a time, by an advisory lock that is only tried.
 */
public class Retention {
    static final int BATCH = 500;

    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);
    private static final OffsetDateTime BEGINNING = OffsetDateTime.parse("1970-01-01T00:00:00Z");

    private static final String TAKE_TURN = """
            SELECT pg_try_advisory_xact_lock(hashtextextended('lockkeeper retention', 0)) AS mine,
                   statement_timestamp() - make_interval(days => :days) AS cutoff,
                   set_config('lockkeeper.retention', 'on', true),
                   set_config('lock_timeout', '5s', true)""";
    private static final String RUNS = Rows.load("delete-runs.sql");
    private static final String AUDIT = Rows.load("delete-audit.sql");
    private static final String EVENTS = Rows.load("delete-events.sql");

    private final JdbcClient jdbc;
    private final TransactionTemplate transaction;
    private final RetentionProperties properties;
    private volatile boolean stopped;

    public Retention(JdbcClient jdbc, PlatformTransactionManager transactions, RetentionProperties properties) {
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
        transaction.setIsolationLevel(TransactionDefinition.ISOLATION_READ_COMMITTED);
        this.properties = properties;
    }

    /**
     * How many rows were deleted.
     *
     * @param runs without what hangs on them
     */
    public record Deleted(long runs, long audit, long events) {}

    /** Deletes until nothing is left to delete, until another replica is found to be at it, or until it is stopped. */
    public Deleted run() {
        Deleted deleted =
                new Deleted(everyRun(), every(AUDIT, properties.auditDays()), every(EVENTS, properties.eventsDays()));
        if (deleted.runs() + deleted.audit() + deleted.events() > 0) {
            LOG.info(
                    "Deleted {} runs, {} audit entries and {} events that were older than they are kept.",
                    deleted.runs(),
                    deleted.audit(),
                    deleted.events());
        }
        return deleted;
    }

    /** Ends {@link #run()} after the batch that it is at. */
    void stop() {
        stopped = true;
    }

    /**
     * One batch of runs.
     *
     * @param lastAt when the last one looked at had ended, with {@code lastId}: the next batch begins behind it, since it may have been kept
     */
    private record RunBatch(long deleted, boolean isFull, OffsetDateTime lastAt, long lastId) {
        static final RunBatch NONE = new RunBatch(0, false, BEGINNING, 0);
    }

    private long everyRun() {
        long deleted = 0;
        RunBatch batch = new RunBatch(0, true, BEGINNING, 0);
        while (batch.isFull() && !stopped) {
            RunBatch last = batch;
            batch = Objects.requireNonNull(transaction.execute(status -> {
                OffsetDateTime cutoff = takeTurn(properties.runsDays());
                return cutoff == null ? RunBatch.NONE : deleteRuns(cutoff, last);
            }));
            deleted += batch.deleted();
        }
        return deleted;
    }

    private RunBatch deleteRuns(OffsetDateTime cutoff, RunBatch after) {
        return jdbc.sql(RUNS)
                .param("cutoff", cutoff)
                .param("afterAt", after.lastAt())
                .param("afterId", after.lastId())
                .param("batch", BATCH)
                .query((row, number) -> runBatch(row))
                .optional()
                .orElse(RunBatch.NONE);
    }

    private static RunBatch runBatch(ResultSet row) throws SQLException {
        return new RunBatch(
                row.getLong("deleted"),
                row.getInt("found") == BATCH,
                row.getObject("last_at", OffsetDateTime.class),
                row.getLong("last_id"));
    }

    private long every(String statement, int days) {
        long deleted = 0;
        int batch = BATCH;
        while (batch == BATCH && !stopped) {
            batch = Objects.requireNonNull(transaction.execute(status -> {
                OffsetDateTime cutoff = takeTurn(days);
                return cutoff == null
                        ? 0
                        : jdbc.sql(statement)
                                .param("cutoff", cutoff)
                                .param("batch", BATCH)
                                .update();
            }));
            deleted += batch;
        }
        return deleted;
    }

    /** Before when something must have been to be deleted; null when another replica is at it. */
    private @Nullable OffsetDateTime takeTurn(int days) {
        return jdbc.sql(TAKE_TURN)
                .param("days", days)
                .query((row, number) -> new Turn(row.getBoolean("mine"), row.getObject("cutoff", OffsetDateTime.class)))
                .single()
                .ours();
    }

    private record Turn(boolean isOurs, OffsetDateTime cutoff) {
        @Nullable
        OffsetDateTime ours() {
            return isOurs ? cutoff : null;
        }
    }
}
