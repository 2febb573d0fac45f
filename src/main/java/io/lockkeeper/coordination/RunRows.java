package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads rows of {@code run}, selected with all columns and an array {@code lock_groups}. */
final class RunRows {
    private RunRows() {}

    static Run read(ResultSet row) throws SQLException {
        Set<LockGroup> groups = new TreeSet<>();
        for (String name : strings(row, "lock_groups")) {
            groups.add(new LockGroup(name));
        }
        return new Run(
                new RunId(row.getLong("id")),
                environments(row, "environments"),
                groups,
                RunStatus.of(row.getString("status")),
                row.getString("status_reason"),
                Priority.ofRank(row.getInt("priority")),
                Coverage.of(row.getString("coverage")),
                Duration.ofSeconds(row.getLong("lease_seconds")),
                instant(row, "created_at"),
                queuedAt(row),
                instantOrNull(row, "completed_at"),
                instant(row, "last_contact_at"),
                instantOrNull(row, "queue_expires_at"),
                instantOrNull(row, "deadline_at"),
                grant(row),
                new LockTokenSeal(
                        row.getObject("lock_token_nonce", UUID.class), Sha256.of(row.getBytes("lock_token_digest"))),
                Sha256.of(row.getBytes("request_digest")),
                Sha256.of(row.getBytes("batch_key")),
                row.getString("caller"),
                row.getBoolean("passes_freeze"),
                row.getInt("approvals_required"),
                approvals(row),
                runIdOrNull(row, "superseded_by"),
                batch(row),
                report(row),
                details(row),
                foreignLock(row));
    }

    /** The queue time-out is counted from when the run joined the queue, which may be long after it was made. */
    private static Instant queuedAt(ResultSet row) throws SQLException {
        Instant expires = instantOrNull(row, "queue_expires_at");
        return expires == null
                ? instant(row, "created_at")
                : expires.minusSeconds(row.getLong("queue_timeout_seconds"));
    }

    private static @Nullable Grant grant(ResultSet row) throws SQLException {
        long token = row.getLong("fencing_token");
        if (row.wasNull()) {
            return null;
        }
        return new Grant(
                new FencingToken(token),
                instant(row, "granted_at"),
                instantOrNull(row, "picked_up_at"),
                instant(row, "lease_expires_at"),
                cancel(row),
                instantOrNull(row, "hold_expires_at"),
                instantOrNull(row, "hold_ends_at"));
    }

    private static Grant.@Nullable CancelRequest cancel(ResultSet row) throws SQLException {
        if (row.getObject("cancel_requested_at") == null) {
            return null;
        }
        String cause = row.getString("cancel_cause");
        return new Grant.CancelRequest(
                cause == null ? CancelCause.CLIENT : CancelCause.of(cause), row.getString("cancel_reason"));
    }

    /** Only some queries read them. */
    private static Set<String> approvals(ResultSet row) throws SQLException {
        ResultSetMetaData columns = row.getMetaData();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            if (columns.getColumnName(i).equals("approvals")) {
                return Set.of(strings(row, "approvals"));
            }
        }
        return Set.of();
    }

    private static @Nullable Batch batch(ResultSet row) throws SQLException {
        RunId into = runIdOrNull(row, "batched_into");
        return into == null
                ? null
                : new Batch(
                        into,
                        row.getBoolean("covered"),
                        runIdOrNull(row, "shipped_by"),
                        SkipReason.of(row.getString("skip_reason")));
    }

    private static @Nullable Report report(ResultSet row) throws SQLException {
        String status = row.getString("reported_status");
        return status == null
                ? null
                : new Report(
                        Report.Result.valueOf(status.toUpperCase(java.util.Locale.ROOT)),
                        row.getString("deployed_sha"));
    }

    private static RunDetails details(ResultSet row) throws SQLException {
        return new RunDetails(
                row.getString("sha"),
                row.getString("ref"),
                row.getString("repository"),
                row.getString("title"),
                row.getString("tier"),
                row.getString("reason"),
                row.getString("user_name"),
                row.getString("hostname"),
                row.getObject("pid", Integer.class),
                row.getString("command"),
                row.getString("source"),
                row.getString("run_url"),
                Arrays.stream(strings(row, "trusted")).map(TrustedField::of).collect(Collectors.toSet()));
    }

    private static @Nullable ForeignLock foreignLock(ResultSet row) throws SQLException {
        String id = row.getString("foreign_lock_id");
        return id == null
                ? null
                : new ForeignLock(
                        id, row.getString("foreign_lock_info"), Duration.ofSeconds(row.getLong("presence_seconds")));
    }

    static List<EnvironmentName> environments(ResultSet row, String column) throws SQLException {
        return Arrays.stream(strings(row, column)).map(EnvironmentName::new).toList();
    }

    static String[] strings(ResultSet row, String column) throws SQLException {
        Array array = row.getArray(column);
        return (String[]) array.getArray();
    }

    static @Nullable RunId runIdOrNull(ResultSet row, String column) throws SQLException {
        long id = row.getLong(column);
        return row.wasNull() ? null : new RunId(id);
    }

    static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
