package io.lockkeeper.metrics;

import static java.util.Objects.requireNonNull;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.coordination.AcquireOutcome;
import io.lockkeeper.coordination.AcquireRequest;
import io.lockkeeper.coordination.Actor;
import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.Coverage;
import io.lockkeeper.coordination.Execution;
import io.lockkeeper.coordination.FiguresReader;
import io.lockkeeper.coordination.LockProof;
import io.lockkeeper.coordination.LockTokenSeal;
import io.lockkeeper.coordination.Mode;
import io.lockkeeper.coordination.Priority;
import io.lockkeeper.coordination.QueueTiming;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunDetails;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.coordination.Sha256;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** One replica's coordination with its metrics, put together as in the service, on a database that others may share. */
final class Replica implements AutoCloseable {
    static final MetricsProperties DEFAULTS = new MetricsProperties(5, 100, 10);
    static final Actor ADMIN = new Actor("olivia", "a good reason");

    private static final QueueTiming TIMING = new QueueTiming(Duration.ofMinutes(2), Duration.ofMinutes(1));
    private static final Pattern SERIES = Pattern.compile("(?m)^(lockkeeper_[a-z_]+(?:\\{.*})?) (\\S+)$");

    final TestDatabase database;
    final JdbcTemplate jdbc;
    final Coordinator coordinator;
    final Administration administration;
    final PrometheusMeterRegistry registry;
    /** How often the gauges have sent something to the database. */
    final AtomicInteger queries = new AtomicInteger();
    /** By which the figures are kept. */
    final MockClock clock = new MockClock();

    private final HikariDataSource pool;
    private final HikariDataSource figuresPool;

    Replica() {
        this(TestDatabase.migrated(), DEFAULTS);
    }

    Replica(TestDatabase database, MetricsProperties properties) {
        this.database = database;
        pool = pool(database);
        figuresPool = pool(database);
        jdbc = new JdbcTemplate(pool);
        jdbc.update("UPDATE sweeper SET last_swept_at = statement_timestamp()");
        DefaultEnvironment production = new DefaultEnvironment(new EnvironmentName("production"));
        AtomicReference<@Nullable StandingGauges> gauges = new AtomicReference<>();
        registry = new PrometheusMeterRegistry(
                PrometheusConfig.DEFAULT,
                new ScrapedRegistry(() -> {
                    StandingGauges standing = gauges.get();
                    if (standing != null) {
                        standing.refresh();
                    }
                }),
                Clock.SYSTEM);
        registry.throwExceptionOnRegistrationFailure();
        EnvironmentLabels environments = new EnvironmentLabels(properties.maxEnvironments(), production.name());
        RunMeters meters = new RunMeters(registry, environments, new TierLabels(properties.maxTiers()));
        FiguresReader reader = new FiguresReader(new JdbcTemplate(counted(figuresPool)), production);
        gauges.set(new StandingGauges(
                registry, new LatestFigures(reader::read, properties.cache(), clock), environments, meters));
        Execution execution = new Execution(jdbc, TIMING, true, _ -> {}, List.of(meters));
        coordinator = new Coordinator(execution, new RunReader(jdbc, TIMING));
        administration = new Administration(execution, JdbcClient.create(jdbc));
    }

    private static HikariDataSource pool(TestDatabase database) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setUsername(database.username());
        config.setPassword(database.password());
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(1000);
        return new HikariDataSource(config);
    }

    /** Each statement text that is prepared is one query; what travels together is one. */
    private DelegatingDataSource counted(HikariDataSource source) {
        return new DelegatingDataSource(source) {
            @Override
            public Connection getConnection() throws java.sql.SQLException {
                Connection real = super.getConnection();
                return (Connection) Proxy.newProxyInstance(
                        Connection.class.getClassLoader(),
                        new Class<?>[] {Connection.class},
                        (_, method, arguments) -> {
                            if (method.getName().startsWith("prepare")
                                    || method.getName().equals("createStatement")) {
                                queries.incrementAndGet();
                            }
                            try {
                                return method.invoke(real, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
            }
        };
    }

    /** What is known of the database is too old now. */
    void forget() {
        clock.add(Duration.ofMinutes(10));
    }

    /** The gauges cannot reach the database any more. */
    void loseDatabase() {
        figuresPool.close();
    }

    @Override
    public void close() {
        pool.close();
        figuresPool.close();
    }

    String scrape() {
        return registry.scrape();
    }

    /** Every series of ours with its value, as a scrape of now has it. */
    Map<String, Double> series() {
        forget();
        return SERIES.matcher(scrape())
                .results()
                .collect(Collectors.toMap(
                        series -> series.group(1),
                        series -> Double.parseDouble(series.group(2)),
                        (one, other) -> {
                            throw new AssertionError("a series is there twice");
                        },
                        TreeMap::new));
    }

    double value(String series) {
        Double value = series().get(series);
        if (value == null) {
            throw new AssertionError("no series " + series);
        }
        return value;
    }

    /** What is not zero, but for histograms' buckets, sums and longest, and gauges. */
    Map<String, Double> counted() {
        Map<String, Double> moved = series();
        moved.keySet().removeIf(series -> !series.matches("lockkeeper_[a-z_]+_(total|count)\\{.*"));
        moved.values().removeIf(value -> value == 0);
        return moved;
    }

    /** By environment and status, as the database has them: what lockkeeper_runs_total of all replicas is to say. */
    Map<String, Double> ended() {
        return jdbc.queryForList("""
                        SELECT place.environment, place.status, count(*) AS runs
                        FROM run_environment place
                        JOIN run r ON r.id = place.run_id AND r.completed_at IS NOT NULL
                        GROUP BY 1, 2""").stream()
                .collect(Collectors.toMap(
                        row -> "lockkeeper_runs_total{environment=\"" + row.get("environment") + "\",outcome=\""
                                + row.get("status") + "\"}",
                        row -> ((Number) requireNonNull(row.get("runs"))).doubleValue(),
                        Double::sum,
                        TreeMap::new));
    }

    static Ask ask(String... environments) {
        return new Ask(environments);
    }

    Run acquire(String... environments) {
        return acquire(ask(environments));
    }

    Run acquire(Ask ask) {
        return switch (coordinator.acquire(ask.build())) {
            case AcquireOutcome.Granted granted -> granted.report().run();
            case AcquireOutcome.Queued queued -> queued.report().run();
            case AcquireOutcome.Skipped skipped -> skipped.report().run();
            case AcquireOutcome.Replayed replayed -> replayed.report().run();
            case AcquireOutcome refused -> throw new AssertionError("refused: " + refused);
        };
    }

    void release(Run run, Report.Result result) {
        coordinator.release(proof(run), new Report(result, null));
    }

    void release(Run run) {
        release(run, Report.Result.SUCCESS);
    }

    void cancel(Run run) {
        coordinator.cancel(proof(run), "changed my mind");
    }

    void forceRelease(Run run) {
        administration.forceRelease(
                run.environments().getFirst(), run.requireGrant().fencingToken(), true, _ -> true, ADMIN);
    }

    void sweep() {
        while (coordinator.sweep() > 0) {}
    }

    static LockProof proof(Run run) {
        return new LockProof(run.id(), run.seal().digest());
    }

    RunStatus status(Run run) {
        return RunStatus.valueOf(requireNonNull(jdbc.queryForObject(
                "SELECT upper(status) FROM run WHERE id = ?",
                String.class,
                run.id().value())));
    }

    /** An environment with a policy, as columns and values in SQL. */
    void declare(String environment, String columns, String values) {
        jdbc.update("INSERT INTO lock_group (name) VALUES (?)", environment);
        jdbc.update(
                "INSERT INTO environment (name, lock_group, created_at, declared_in, " + columns
                        + ") VALUES (?, ?, statement_timestamp(), 'api', " + values + ")",
                environment,
                environment);
    }

    /** Time passes for one run: every instant stored with it moves into the past. */
    void passes(Duration time, Run run) {
        List<String> instants = List.of(
                "created_at",
                "granted_at",
                "picked_up_at",
                "queue_expires_at",
                "presence_expires_at",
                "lease_expires_at",
                "approval_expires_at",
                "last_contact_at");
        jdbc.update(
                "UPDATE run SET "
                        + instants.stream()
                                .map(column ->
                                        column + " = " + column + " - make_interval(secs => " + time.toSeconds() + ")")
                                .collect(Collectors.joining(", "))
                        + " WHERE id = ?",
                run.id().value());
    }

    /** Time passes for one run, and its client was there all the time. */
    void passesInPresence(Duration time, Run run) {
        passes(time, run);
        jdbc.update(
                "UPDATE run SET presence_expires_at = statement_timestamp() + interval '1 minute' WHERE id = ?",
                run.id().value());
    }

    /** An acquire with defaults. */
    static final class Ask {
        private final List<EnvironmentName> environments;
        private Mode mode = Mode.WAIT;
        private boolean batch;
        private Coverage coverage = Coverage.PINNED;
        private @Nullable String key;
        private @Nullable String sha;
        private @Nullable String tier;

        private Ask(String... environments) {
            this.environments =
                    Arrays.stream(environments).map(EnvironmentName::new).toList();
        }

        Ask failFast() {
            mode = Mode.FAIL_FAST;
            return this;
        }

        Ask batched() {
            batch = true;
            return this;
        }

        Ask latest() {
            coverage = Coverage.LATEST;
            return this;
        }

        Ask key(String value) {
            key = value;
            return this;
        }

        Ask sha(String value) {
            sha = value;
            return this;
        }

        Ask tier(String value) {
            tier = value;
            return this;
        }

        AcquireRequest build() {
            UUID nonce = UUID.randomUUID();
            return new AcquireRequest(
                    environments,
                    mode,
                    null,
                    null,
                    batch,
                    coverage,
                    Priority.NORMAL,
                    false,
                    new RunDetails(sha, null, null, null, tier, null, "alice", null, null, null, null, null),
                    "tester",
                    key,
                    Sha256.of("a body"),
                    new LockTokenSeal(nonce, Sha256.of("secret of " + nonce)));
        }
    }
}
