package io.lockkeeper.coordination;

import io.lockkeeper.coordination.Snapshot.Found;
import io.lockkeeper.coordination.Snapshot.Successor;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.Policies;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    private static final ParsedSql BATCHED = Sql.load("batched.sql");

    private final Policies policies;
    private final Map<EnvironmentName, Environment> environments = new LinkedHashMap<>();
    private final Set<LockGroup> groups = new TreeSet<>();
    private final Map<LockGroup, Integer> pending = new TreeMap<>();
    private final Map<RunId, Run> runs = new TreeMap<>();
    private final Map<RunId, Successor> covers = new HashMap<>();
    private final List<BatchedRun> batched = new ArrayList<>();
    private @Nullable Instant at;
    private @Nullable Instant lastSweptAt;
    private @Nullable RunId twin;
    private @Nullable RunId cover;

    SnapshotReader(Policies policies) {
        this.policies = policies;
    }

    void addTo(RoundTrip roundTrip, Scope scope) {
        Map<String, @Nullable Object> parameters = scope.parameters();
        roundTrip.add(ENVIRONMENTS, parameters, this::readEnvironments);
        roundTrip.add(GROUPS, parameters, this::readGroups);
        roundTrip.add(RUNS, parameters, this::readRuns);
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
                new Found(twin, cover));
    }

    private void readEnvironments(ResultSet rows) throws SQLException {
        while (rows.next()) {
            at = RunRows.instant(rows, "at");
            lastSweptAt = RunRows.instant(rows, "last_swept_at");
            String name = rows.getString("name");
            if (name != null) {
                String group = rows.getString("lock_group");
                EnvironmentName environment = new EnvironmentName(name);
                environments.put(
                        environment, policies.environment(environment, group == null ? null : new LockGroup(group)));
            }
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
                cover = cover == null || run.id().compareTo(cover) > 0 ? run.id() : cover;
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
