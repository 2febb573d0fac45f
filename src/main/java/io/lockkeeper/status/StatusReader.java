package io.lockkeeper.status;

import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.WaitEstimate;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Quarantine;
import io.lockkeeper.health.HealthProperties;
import io.lockkeeper.status.DeploymentStatus.AwaitingApproval;
import io.lockkeeper.status.DeploymentStatus.Frozen;
import io.lockkeeper.status.DeploymentStatus.Health;
import io.lockkeeper.status.DeploymentStatus.Holder;
import io.lockkeeper.status.DeploymentStatus.LastDeployment;
import io.lockkeeper.status.DeploymentStatus.Lock;
import io.lockkeeper.status.DeploymentStatus.Quarantined;
import io.lockkeeper.status.DeploymentStatus.Queue;
import io.lockkeeper.status.DeploymentStatus.QueuedRun;
import io.lockkeeper.status.DeploymentStatus.Summary;
import io.lockkeeper.status.DeploymentStatus.Undeployed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/** Reads deployment statuses; changes nothing and waits for nobody. */
@Component
public class StatusReader {
    /** How many queued runs, undeployed changes or environments one answer lists. The counts beside them count all. */
    public static final int LISTED = 100;

    /** The sweeper comes every second; ten seconds without it means that no replica is well. */
    private static final Duration SWEEP_OVERDUE = Duration.ofSeconds(10);

    private static final String LOCK = load("lock.sql");
    private static final String QUEUED = load("queued.sql");
    private static final String LAST_DEPLOYMENT = load("last-deployment.sql");
    private static final String UNDEPLOYED = load("undeployed.sql");
    private static final String AWAITING_APPROVAL = load("awaiting-approval.sql");
    private static final String SUMMARY = load("summary.sql");

    private final JdbcClient jdbc;
    private final EnvironmentReader environments;
    private final Duration probeOverdue;
    private final TransactionTemplate oneSnapshot;

    StatusReader(
            JdbcClient jdbc,
            EnvironmentReader environments,
            HealthProperties probes,
            PlatformTransactionManager transactions) {
        this.jdbc = jdbc;
        this.environments = environments;
        this.probeOverdue = probes.staleAfter();
        this.oneSnapshot = new TransactionTemplate(transactions);
        oneSnapshot.setReadOnly(true);
        oneSnapshot.setIsolationLevel(TransactionDefinition.ISOLATION_REPEATABLE_READ);
    }

    /**
     * The status of one environment; empty when no run has named it yet.
     *
     * @param summarised of which environments to add a line each; null for none
     */
    public Optional<DeploymentStatus> find(EnvironmentName environment, @Nullable Predicate<String> summarised) {
        Optional<DeploymentStatus> status = oneSnapshot.execute(transaction -> jdbc.sql(LOCK)
                .param("environment", environment.value())
                .query((row, number) -> read(environment, row, summarised))
                .optional());
        return status == null ? Optional.empty() : status;
    }

    /** The status of an environment that has never had a run: free and empty. */
    public DeploymentStatus untouched(EnvironmentName environment, @Nullable Predicate<String> summarised) {
        Health health = jdbc.sql("SELECT statement_timestamp() AS at, last_swept_at FROM sweeper")
                .query((row, number) -> ownHealth(row))
                .single();
        return new DeploymentStatus(
                environment.value(),
                new Lock("unlocked", null, environment.value()),
                new Queue(0, List.of()),
                null,
                health,
                List.of(),
                List.of(),
                null,
                null,
                summarised == null ? null : summary(summarised));
    }

    private DeploymentStatus read(EnvironmentName environment, ResultSet row, @Nullable Predicate<String> summarised)
            throws SQLException {
        String group = row.getString("lock_group");
        Instant at = instant(row, "at");
        List<Environment> sharing = environments.sharing(new LockGroup(group));
        Environment policy = sharing.stream()
                .filter(other -> other.name().equals(environment))
                .findFirst()
                .orElseThrow();
        Quarantine quarantine = policy.quarantine();
        Holder holder = holder(row);
        List<QueuedRun> runs = new ArrayList<>();
        if (holder != null) {
            runs.add(new QueuedRun(
                    holder.runId(),
                    "in_progress",
                    holder.started(),
                    null,
                    null,
                    null,
                    null,
                    holder.environment(),
                    null,
                    holder.user(),
                    holder.title(),
                    holder.sha(),
                    holder.runUrl()));
        }
        WaitEstimate estimate = new WaitEstimate(
                row.getObject("usual_hold_seconds", Double.class),
                holder == null ? null : Duration.ofSeconds(holder.durationSeconds()));
        runs.addAll(queued(group, new HeldBackRuns(sharing, at), estimate));
        return new DeploymentStatus(
                environment.value(),
                new Lock(holder == null ? "unlocked" : "locked", holder, group),
                new Queue(row.getInt("queued") + (holder == null ? 0 : 1), runs),
                lastDeployment(environment),
                row.getBoolean("probed") ? probedHealth(row) : ownHealth(row),
                undeployed(environment),
                awaitingApproval(environment),
                policy.freezeAt(at).map(StatusReader::frozen).orElse(null),
                quarantine == null ? null : new Quarantined(quarantine.reason(), quarantine.since(), quarantine.run()),
                summarised == null ? null : summary(summarised));
    }

    private static @Nullable Holder holder(ResultSet row) throws SQLException {
        long id = row.getLong("id");
        if (row.wasNull()) {
            return null;
        }
        Instant started = instant(row, "granted_at");
        return new Holder(
                row.getObject("pid", Integer.class),
                row.getString("user_name"),
                started,
                Duration.between(started, instant(row, "at")).toSeconds(),
                row.getString("command"),
                id,
                firstEnvironment(row),
                List.of((String[]) row.getArray("environments").getArray()),
                row.getString("hostname"),
                row.getString("title"),
                row.getString("sha"),
                row.getString("run_url"),
                instant(row, "last_contact_at"),
                row.getBoolean("alive"),
                instant(row, "lease_expires_at"),
                row.getLong("fencing_token"));
    }

    private List<QueuedRun> queued(String group, HeldBackRuns heldBack, WaitEstimate estimate) {
        AtomicInteger others = new AtomicInteger();
        return jdbc.sql(QUEUED)
                .param("lockGroup", group)
                .param("limit", LISTED)
                .query((row, number) -> {
                    Optional<HeldBackRuns.Hold> hold = heldBack.find(row);
                    // Runs that are held back are passed over: whoever is not has only the others ahead.
                    int ahead = hold.isPresent() ? number : others.getAndIncrement();
                    return new QueuedRun(
                            row.getLong("id"),
                            "queued",
                            null,
                            instant(row, "created_at"),
                            ahead + 1,
                            secondsToGo(
                                    estimate.secondsBehind(ahead),
                                    hold.map(HeldBackRuns.Hold::secondsToGo).orElse(OptionalLong.of(0))),
                            hold.map(HeldBackRuns.Hold::by).orElse(null),
                            firstEnvironment(row),
                            row.getInt("priority") == 0 ? "high" : "normal",
                            row.getString("user_name"),
                            row.getString("title"),
                            row.getString("sha"),
                            row.getString("run_url"));
                })
                .list();
    }

    private static @Nullable Long secondsToGo(OptionalLong byQueue, OptionalLong heldBack) {
        return byQueue.isPresent() && heldBack.isPresent()
                ? Long.valueOf(Math.max(byQueue.getAsLong(), heldBack.getAsLong()))
                : null;
    }

    /** What holds runs of a lock group back, whoever has the lock. */
    private record HeldBackRuns(List<Environment> sharing, Instant at) {

        /**
         * That a run is held back.
         *
         * @param by {@code freeze} or {@code quarantine}
         * @param secondsToGo until it ends; empty when only people know
         */
        record Hold(String by, OptionalLong secondsToGo) {}

        /** What holds the queued run of this row back; empty when nothing does. */
        Optional<Hold> find(ResultSet row) throws SQLException {
            Set<String> places = Set.of((String[]) row.getArray("environments").getArray());
            boolean isHeldBack = false;
            long seconds = 0;
            for (Environment environment : sharing) {
                if (!places.contains(environment.name().value())) {
                    continue;
                }
                if (environment.quarantine() != null && row.getInt("priority") != 0) {
                    return Optional.of(new Hold("quarantine", OptionalLong.empty()));
                }
                Optional<Freeze> freeze = environment.freezeAt(at);
                if (freeze.isPresent() && !row.getBoolean("passes_freeze")) {
                    Instant until = freeze.get().until();
                    if (until == null) {
                        return Optional.of(new Hold("freeze", OptionalLong.empty()));
                    }
                    isHeldBack = true;
                    seconds = Math.max(seconds, Duration.between(at, until).toSeconds());
                }
            }
            return isHeldBack ? Optional.of(new Hold("freeze", OptionalLong.of(seconds))) : Optional.empty();
        }
    }

    private @Nullable LastDeployment lastDeployment(EnvironmentName environment) {
        return jdbc.sql(LAST_DEPLOYMENT)
                .param("environment", environment.value())
                .query((row, number) -> new LastDeployment(
                        row.getString("sha"),
                        row.getString("status"),
                        row.getString("tier"),
                        Duration.between(instant(row, "granted_at"), instant(row, "completed_at"))
                                .toSeconds(),
                        instant(row, "completed_at"),
                        row.getLong("id"),
                        row.getString("status_reason"),
                        row.getString("user_name"),
                        row.getString("run_url")))
                .optional()
                .orElse(null);
    }

    private static Frozen frozen(Freeze freeze) {
        return new Frozen(freeze.reason(), freeze.until(), freeze.by(), freeze.everywhere());
    }

    private List<AwaitingApproval> awaitingApproval(EnvironmentName environment) {
        return jdbc.sql(AWAITING_APPROVAL)
                .param("environment", environment.value())
                .param("limit", LISTED)
                .query((row, number) -> new AwaitingApproval(
                        row.getLong("id"),
                        row.getString("user_name"),
                        row.getString("title"),
                        row.getString("sha"),
                        row.getString("run_url"),
                        instant(row, "created_at"),
                        row.getInt("approvals_required"),
                        row.getInt("given")))
                .list();
    }

    private List<Undeployed> undeployed(EnvironmentName environment) {
        return jdbc.sql(UNDEPLOYED)
                .param("environment", environment.value())
                .param("limit", LISTED)
                .query((row, number) -> new Undeployed(
                        row.getLong("id"),
                        row.getString("sha"),
                        row.getString("title"),
                        row.getString("user_name"),
                        row.getString("run_url"),
                        instant(row, "created_at"),
                        row.getLong("batched_into")))
                .list();
    }

    private List<Summary> summary(Predicate<String> summarised) {
        Instant now = jdbc.sql("SELECT statement_timestamp()")
                .query(OffsetDateTime.class)
                .single()
                .toInstant();
        Map<String, Environment> all = environments.list().stream()
                .filter(environment -> summarised.test(environment.name().value()))
                .collect(Collectors.toMap(environment -> environment.name().value(), Function.identity()));
        return jdbc.sql(SUMMARY)
                .param("names", all.keySet().toArray(String[]::new))
                .param("limit", LISTED)
                .query((row, number) -> {
                    Long holder = row.getObject("holder", Long.class);
                    Environment environment = Objects.requireNonNull(all.get(row.getString("name")));
                    return new Summary(
                            row.getString("name"),
                            row.getString("lock_group"),
                            holder == null ? "unlocked" : "locked",
                            holder,
                            row.getInt("queued") + (holder == null ? 0 : 1),
                            environment.freezeAt(now).isPresent(),
                            environment.quarantine() != null);
                })
                .list();
    }

    private static Health ownHealth(ResultSet row) throws SQLException {
        Instant at = instant(row, "at");
        boolean swept = at.isBefore(instant(row, "last_swept_at").plus(SWEEP_OVERDUE));
        return new Health(swept ? "healthy" : "degraded", at, null);
    }

    private Health probedHealth(ResultSet row) throws SQLException {
        Instant at = instant(row, "at");
        if (row.getString("probe_status") == null) {
            return new Health("degraded", at, "The health_url has not been probed yet.");
        }
        Instant checkedAt = instant(row, "probe_checked_at");
        return at.isAfter(checkedAt.plus(probeOverdue))
                ? new Health(
                        "degraded",
                        checkedAt,
                        "The last probe is too old to tell. It said " + row.getString("probe_status") + ": "
                                + row.getString("probe_detail"))
                : new Health(row.getString("probe_status"), checkedAt, row.getString("probe_detail"));
    }

    private static String firstEnvironment(ResultSet row) throws SQLException {
        return ((String[]) row.getArray("environments").getArray())[0];
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    static String load(String name) {
        try {
            return new ClassPathResource("sql/status/" + name).getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
