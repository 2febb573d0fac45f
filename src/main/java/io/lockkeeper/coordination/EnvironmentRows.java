package io.lockkeeper.coordination;

import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.Freeze;
import io.lockkeeper.environment.FreezeWindow;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.OnFailure;
import io.lockkeeper.environment.Quarantine;
import io.lockkeeper.environment.QueueMode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads rows of {@code environments.sql} and {@code snapshot-environments.sql}. */
final class EnvironmentRows {
    private EnvironmentRows() {}

    static Environment read(ResultSet row) throws SQLException {
        EnvironmentName name = new EnvironmentName(row.getString("name"));
        String group = row.getString("lock_group");
        if (group == null) {
            return Environment.unknown(name, freeze(row), freezeEverywhere(row));
        }
        String next = row.getString("next_lock_group");
        String declaredIn = row.getString("declared_in");
        return new Environment(
                name,
                new LockGroup(group),
                next == null ? null : new LockGroup(next),
                policy(row),
                true,
                declaredIn == null ? null : DeclaredIn.valueOf(declaredIn.toUpperCase(Locale.ROOT)),
                freeze(row),
                freezeEverywhere(row),
                quarantine(row),
                row.getBoolean("last_deployment_stopped"),
                row.getString("promotable_sha"),
                row.getBoolean("has_succeeded"));
    }

    private static EnvironmentPolicy policy(ResultSet row) throws SQLException {
        Integer maxHold = row.getObject("max_hold_seconds", Integer.class);
        String promoteFrom = row.getString("promote_from");
        return new EnvironmentPolicy(
                seconds(row, "lease_seconds"),
                seconds(row, "queue_timeout_seconds"),
                maxHold == null ? null : Duration.ofSeconds(maxHold),
                row.getInt("batch_threshold"),
                seconds(row, "batch_window_seconds"),
                QueueMode.valueOf(row.getString("queue_mode").toUpperCase(Locale.ROOT)),
                row.getBoolean("cancel_in_progress"),
                row.getInt("approvals_required"),
                List.of(RunRows.strings(row, "approvers")),
                seconds(row, "approval_timeout_seconds"),
                promoteFrom == null ? null : new EnvironmentName(promoteFrom),
                OnFailure.valueOf(row.getString("on_failure").toUpperCase(Locale.ROOT)),
                row.getString("health_url"),
                row.getBoolean("protected"),
                windows(row));
    }

    private static List<FreezeWindow> windows(ResultSet row) throws SQLException {
        String[] crons = RunRows.strings(row, "window_crons");
        String[] zones = RunRows.strings(row, "window_time_zones");
        Integer[] seconds = (Integer[]) row.getArray("window_seconds").getArray();
        String[] reasons = RunRows.strings(row, "window_reasons");
        List<FreezeWindow> windows = new ArrayList<>();
        for (int i = 0; i < crons.length; i++) {
            windows.add(new FreezeWindow(crons[i], zones[i], Duration.ofSeconds(seconds[i]), reasons[i]));
        }
        return windows;
    }

    private static @Nullable Freeze freeze(ResultSet row) throws SQLException {
        String reason = row.getString("freeze_reason");
        return reason == null
                ? null
                : new Freeze(reason, RunRows.instantOrNull(row, "frozen_until"), row.getString("frozen_by"), false);
    }

    private static @Nullable Freeze freezeEverywhere(ResultSet row) throws SQLException {
        String reason = row.getString("everywhere_freeze_reason");
        return reason == null
                ? null
                : new Freeze(
                        reason,
                        RunRows.instantOrNull(row, "everywhere_frozen_until"),
                        row.getString("everywhere_frozen_by"),
                        true);
    }

    private static @Nullable Quarantine quarantine(ResultSet row) throws SQLException {
        Instant since = RunRows.instantOrNull(row, "quarantined_at");
        return since == null
                ? null
                : new Quarantine(
                        since, row.getObject("quarantine_run", Long.class), row.getString("quarantine_reason"));
    }

    private static Duration seconds(ResultSet row, String column) throws SQLException {
        return Duration.ofSeconds(row.getInt(column));
    }
}
