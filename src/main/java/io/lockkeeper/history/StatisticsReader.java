package io.lockkeeper.history;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.Statistics.Spread;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Counts and measures what has ended. It reads every run that ended in the window, so the window is what bounds it. */
@Component
public class StatisticsReader {
    public static final Duration LONGEST_WINDOW = Duration.ofDays(90);

    private static final String STATISTICS = Rows.load("statistics.sql");

    /** A long window takes a while, and a connection. Those that everybody needs must not be spent on it. */
    private static final int READING_AT_ONCE = 2;

    private final JdbcClient jdbc;
    private final Semaphore reading = new Semaphore(READING_AT_ONCE, true);

    public StatisticsReader(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * The statistics of the runs that ended within the window before now. At most two calls of a replica read at a time; the others stand in line.
     *
     * @param environment of whose runs, those included that named others as well; null for all environments
     * @param visible whether the caller may see an environment; for all environments, a run counts if all of its are visible
     */
    public Statistics read(@Nullable EnvironmentName environment, Duration window, Predicate<String> visible) {
        reading.acquireUninterruptibly();
        try {
            return jdbc.sql(STATISTICS)
                    .param("environment", environment == null ? null : environment.value())
                    .param("environments", environment == null ? Visibility.of(visible, jdbc) : null)
                    .param("windowSeconds", window.toSeconds())
                    .query((row, number) -> statistics(environment, window, row))
                    .single();
        } finally {
            reading.release();
        }
    }

    private static Statistics statistics(@Nullable EnvironmentName environment, Duration window, ResultSet row)
            throws SQLException {
        long runs = row.getLong("runs");
        long deployments = row.getLong("deployments");
        SequencedMap<String, Long> counts = new LinkedHashMap<>();
        for (RunStatus status : RunStatus.values()) {
            if (status.hasEnded()) {
                counts.put(status.label(), row.getLong(status.label()));
            }
        }
        return new Statistics(
                environment == null ? null : environment.value(),
                window.toSeconds(),
                Rows.instant(row, "since"),
                Rows.instant(row, "until"),
                runs,
                deployments,
                counts,
                Statistics.rate(row.getLong("success"), deployments),
                Statistics.rate(row.getLong("skipped"), runs),
                Statistics.rate(row.getLong("timed_out"), runs),
                Statistics.rate(row.getLong("expired"), deployments),
                spread(row, "wait"),
                spread(row, "duration"));
    }

    private static Spread spread(ResultSet row, String of) throws SQLException {
        return new Spread(seconds(row, of + "_avg"), seconds(row, of + "_p50"), seconds(row, of + "_p95"));
    }

    private static @Nullable Long seconds(ResultSet row, String column) throws SQLException {
        double seconds = row.getDouble(column);
        return row.wasNull() ? null : Math.round(seconds);
    }
}
