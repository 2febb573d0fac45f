package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Snapshot.Found;
import io.lockkeeper.coordination.Snapshot.Successor;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/** Adds the statements of a snapshot to a round trip, and becomes the snapshot when it has run. */
final class SnapshotReader {
    private static final ParsedSql ENVIRONMENTS = Sql.load("snapshot-environments.sql");
    private static final ParsedSql GROUPS = Sql.load("snapshot-groups.sql");
    private static final ParsedSql RUNS = Sql.load("snapshot-runs.sql");
    private static final ParsedSql FORCE_RELEASE_REQUEST = Sql.parse("""
            SELECT fencing_token, requested_by, expires_at
            FROM force_release_request
            WHERE fencing_token = :fencingToken
            ORDER BY expires_at DESC
            LIMIT 1""");
    private static final ParsedSql BATCHED = Sql.load("batched.sql");

    private final Map<EnvironmentName, Environment> environments = new LinkedHashMap<>();
    private final Set<LockGroup> groups = new TreeSet<>();
    private final Map<LockGroup, Integer> pending = new TreeMap<>();
    private final Map<RunId, Run> runs = new TreeMap<>();
    private final Map<RunId, Successor> covers = new HashMap<>();
    private final List<BatchedRun> batched = new ArrayList<>();
    private @Nullable Instant at;
    private @Nullable Instant lastSweptAt;
    private @Nullable RunId twin;
    private final NavigableSet<RunId> covering = new TreeSet<>(Comparator.reverseOrder());
    private Snapshot.@Nullable ForceReleaseRequest forceReleaseRequest;
    private int window;

    void addTo(RoundTrip roundTrip, Scope scope) {
        Map<String, @Nullable Object> parameters = scope.parameters();
        window = scope.window();
        roundTrip.add(ENVIRONMENTS, parameters, this::readEnvironments);
        roundTrip.add(GROUPS, parameters, this::readGroups);
        roundTrip.add(RUNS, parameters, this::readRuns);
        if (scope.forceReleasing() != null) {
            roundTrip.add(FORCE_RELEASE_REQUEST, parameters, this::readForceReleaseRequest);
        }
        if (scope.readsBatched()) {
            roundTrip.add(BATCHED, parameters, rows -> readBatched(rows, batched));
        }
    }

    /** The snapshot; its groups are those that the database names now, which may be others than those that were locked before. */
    Snapshot snapshot() {
        return new Snapshot(
                Objects.requireNonNull(at),
                Objects.requireNonNull(lastSweptAt),
                groups,
                environments,
                pending,
                runs,
                covers,
                batched,
                new Found(twin, List.copyOf(covering)),
                forceReleaseRequest,
                window);
    }

    private void readEnvironments(ResultSet rows) throws SQLException {
        while (rows.next()) {
            at = RunRows.instant(rows, "at");
            lastSweptAt = RunRows.instant(rows, "last_swept_at");
            if (rows.getString("name") != null) {
                Environment environment = EnvironmentRows.read(rows);
                environments.put(environment.name(), environment);
            }
        }
    }

    private void readForceReleaseRequest(ResultSet rows) throws SQLException {
        if (rows.next()) {
            forceReleaseRequest = new Snapshot.ForceReleaseRequest(
                    new FencingToken(rows.getLong("fencing_token")),
                    rows.getString("requested_by"),
                    RunRows.instant(rows, "expires_at"));
        }
    }

    private void readGroups(ResultSet rows) throws SQLException {
        while (rows.next()) {
            LockGroup group = new LockGroup(rows.getString("lock_group"));
            groups.add(group);
            pending.put(group, rows.getInt("pending"));
        }
    }

    private void readRuns(ResultSet rows) throws SQLException {
        while (rows.next()) {
            Run run = RunRows.read(rows);
            runs.put(run.id(), run);
            if (rows.getBoolean("covers")) {
                covers.put(
                        run.id(),
                        new Successor(
                                RunRows.runIdOrNull(rows, "heard_successor"),
                                RunRows.runIdOrNull(rows, "any_successor")));
            }
            if (rows.getBoolean("is_twin")) {
                twin = run.id();
            }
            if (rows.getBoolean("can_cover")) {
                covering.add(run.id());
            }
        }
    }

    static void readBatched(ResultSet rows, List<BatchedRun> into) throws SQLException {
        while (rows.next()) {
            into.add(new BatchedRun(
                    new RunId(rows.getLong("id")),
                    rows.getBoolean("covered"),
                    rows.getString("sha"),
                    rows.getString("title"),
                    rows.getString("user_name"),
                    rows.getString("run_url")));
        }
    }
}
