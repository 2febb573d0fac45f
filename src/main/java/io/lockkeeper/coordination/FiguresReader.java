package io.lockkeeper.coordination;

import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * Reads how things stand everywhere, in one round trip. It reads what is pending, and of the history the last day and what is undeployed, each
 * through an index of its own; the statements are joined here, since a join of the sets in SQL has no index to go by.
 */
public final class FiguresReader {
    /** What the skip ratio is about. */
    public static final Duration SKIP_WINDOW = Duration.ofHours(24);

    private static final ParsedSql ENVIRONMENTS = Sql.load("environments.sql");

    /** The default environment first, then those that somebody declared, and then the oldest. */
    private static final ParsedSql RANKING = Sql.parse("""
            SELECT name
            FROM environment
            ORDER BY name <> :defaultEnvironment, declared_in IS NULL, created_at, name""");

    private static final ParsedSql FROZEN_EVERYWHERE = Sql.parse("""
            SELECT EXISTS (
                SELECT FROM environment_freeze WHERE scope = '*' AND (until IS NULL OR until > statement_timestamp())) AS frozen""");

    private static final ParsedSql QUEUES = Sql.parse("""
            SELECT pending.lock_group,
                   count(*) AS length,
                   coalesce(max(extract(epoch FROM statement_timestamp() - r.queue_expires_at) + r.queue_timeout_seconds)
                            FILTER (WHERE r.status = 'queued'), 0) AS oldest_wait_seconds,
                   coalesce(max(extract(epoch FROM statement_timestamp() - r.granted_at))
                            FILTER (WHERE r.status = 'in_progress'), 0) AS held_seconds
            FROM (
                SELECT lock_group, run_id FROM claim WHERE status = 'queued'
                UNION ALL
                SELECT lock_group, run_id FROM claim WHERE status = 'in_progress'
            ) AS pending
            JOIN run r ON r.id = pending.run_id
            GROUP BY pending.lock_group""");

    private static final ParsedSql TIERS = Sql.parse("""
            SELECT DISTINCT place.environment, r.tier
            FROM (
                SELECT run_id FROM claim WHERE status = 'queued'
                UNION
                SELECT run_id FROM claim WHERE status = 'in_progress'
            ) AS pending
            JOIN run r ON r.id = pending.run_id
            CROSS JOIN LATERAL unnest(r.environments) AS place (environment)""");

    private static final ParsedSql SKIPS = Sql.parse("""
            SELECT place.environment,
                   avg(CASE WHEN r.status = 'skipped' THEN 1.0 ELSE 0.0 END) AS ratio
            FROM run r
            CROSS JOIN LATERAL unnest(r.environments) AS place (environment)
            WHERE r.completed_at > statement_timestamp() - make_interval(secs => :windowSeconds)
            GROUP BY place.environment""");

    /**
     * By way of run_undeployed, environment by environment. One search for all of them reads every skipped run of the history instead: EXPLAIN
     * ANALYZE showed 30,000 of them read for 300.
     */
    private static final ParsedSql UNDEPLOYED = Sql.parse("""
            SELECT e.name AS environment,
                   count(DISTINCT u.sha) AS shas
            FROM environment e
            CROSS JOIN LATERAL (
                SELECT r.sha
                FROM run r
                WHERE r.environments @> ARRAY[e.name]
                  AND r.status = 'skipped'
                  AND NOT r.covered
                  AND r.shipped_by IS NULL
                  AND r.sha IS NOT NULL
                OFFSET 0
            ) AS u
            GROUP BY e.name""");

    private final JdbcTemplate jdbc;
    private final EnvironmentName defaultEnvironment;

    public FiguresReader(JdbcTemplate jdbc, DefaultEnvironment defaultEnvironment) {
        this.jdbc = jdbc;
        this.defaultEnvironment = defaultEnvironment.name();
    }

    /** Of every environment, in the order of importance: the default one, though it may not exist yet, those that were declared, the oldest. */
    public List<Figures> read() {
        Reading reading = new Reading();
        jdbc.execute((Connection connection) -> {
            Map<String, @Nullable Object> parameters = new HashMap<>();
            parameters.put("names", null);
            parameters.put("groups", null);
            parameters.put("defaultEnvironment", defaultEnvironment.value());
            parameters.put("windowSeconds", (int) SKIP_WINDOW.toSeconds());
            Transactions.beginLook()
                    .add(RANKING, parameters, reading::rank)
                    .add(ENVIRONMENTS, parameters, reading::environments)
                    .add(FROZEN_EVERYWHERE, parameters, reading::frozenEverywhere)
                    .add(QUEUES, parameters, reading::queues)
                    .add(TIERS, parameters, reading::tiers)
                    .add(SKIPS, parameters, reading::skips)
                    .add(UNDEPLOYED, parameters, reading::undeployed)
                    .run(connection);
            return reading;
        });
        return reading.figures(defaultEnvironment);
    }

    private record Queue(int length, double oldestWaitSeconds, double heldSeconds) {
        static final Queue EMPTY = new Queue(0, 0, 0);
    }

    private static final class Reading {
        private final List<String> ranking = new ArrayList<>();
        private final Map<String, Environment> environments = new HashMap<>();
        private final Set<String> frozen = new HashSet<>();
        private boolean frozenEverywhere;
        private final Map<String, Queue> queues = new HashMap<>();
        private final Map<String, Set<@Nullable String>> tiers = new HashMap<>();
        private final Map<String, Double> skips = new HashMap<>();
        private final Map<String, Integer> undeployed = new HashMap<>();

        void rank(ResultSet rows) throws SQLException {
            while (rows.next()) {
                ranking.add(rows.getString("name"));
            }
        }

        void environments(ResultSet rows) throws SQLException {
            while (rows.next()) {
                Environment environment = EnvironmentRows.read(rows);
                String name = environment.name().value();
                environments.put(name, environment);
                if (environment.freezeAt(RunRows.instant(rows, "at")).isPresent()) {
                    frozen.add(name);
                }
            }
        }

        void frozenEverywhere(ResultSet rows) throws SQLException {
            rows.next();
            frozenEverywhere = rows.getBoolean("frozen");
        }

        void queues(ResultSet rows) throws SQLException {
            while (rows.next()) {
                queues.put(
                        rows.getString("lock_group"),
                        new Queue(
                                rows.getInt("length"),
                                rows.getDouble("oldest_wait_seconds"),
                                rows.getDouble("held_seconds")));
            }
        }

        void tiers(ResultSet rows) throws SQLException {
            while (rows.next()) {
                tiers.computeIfAbsent(rows.getString("environment"), _ -> new HashSet<>())
                        .add(rows.getString("tier"));
            }
        }

        void skips(ResultSet rows) throws SQLException {
            while (rows.next()) {
                skips.put(rows.getString("environment"), rows.getDouble("ratio"));
            }
        }

        void undeployed(ResultSet rows) throws SQLException {
            while (rows.next()) {
                undeployed.put(rows.getString("environment"), rows.getInt("shas"));
            }
        }

        List<Figures> figures(EnvironmentName defaultEnvironment) {
            List<Figures> figures = new ArrayList<>();
            if (!ranking.contains(defaultEnvironment.value())) {
                figures.add(new Figures(defaultEnvironment, 0, 0, 0, 0, 0, frozenEverywhere, false, Set.of()));
            }
            for (String name : ranking) {
                Environment environment = environments.get(name);
                if (environment != null) {
                    figures.add(of(environment));
                }
            }
            return figures;
        }

        private Figures of(Environment environment) {
            String name = environment.name().value();
            Queue queue = queues.getOrDefault(environment.lockGroup().name(), Queue.EMPTY);
            return new Figures(
                    environment.name(),
                    queue.length(),
                    queue.oldestWaitSeconds(),
                    queue.heldSeconds(),
                    skips.getOrDefault(name, 0.0),
                    undeployed.getOrDefault(name, 0),
                    frozen.contains(name),
                    environment.quarantine() != null,
                    tiers.getOrDefault(name, Set.of()));
        }
    }
}
