package io.lockkeeper.history;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Reads runs, page by page, newest first. */
@Component
public class RunHistory {
    /** How many runs one call looks at for a repository or a user, which have no index: both change with every deployment. */
    public static final int SEARCHED = 5_000;

    private static final String DEPLOYMENTS = Rows.load("deployments.sql");

    private final JdbcClient jdbc;

    public RunHistory(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** Whether there is such an environment. */
    public boolean knows(EnvironmentName environment) {
        return jdbc.sql("SELECT EXISTS (SELECT FROM environment WHERE name = :name)")
                .param("name", environment.value())
                .query(Boolean.class)
                .single();
    }

    /**
     * One page.
     *
     * @param before the page begins with the run before this one; null: with the newest
     * @param limit how many runs it has at most
     * @param visible whether the caller may see an environment; a run is left out unless all of its are visible
     */
    public Page<PastRun> page(RunFilter filter, @Nullable Long before, int limit, Predicate<String> visible) {
        EnvironmentName environment = filter.environment();
        String[] environments = environment == null ? Visibility.of(visible, jdbc) : new String[] {environment.value()};
        String[] statuses = filter.statuses().isEmpty()
                ? null
                : filter.statuses().stream().map(RunStatus::label).toArray(String[]::new);
        return jdbc.sql(DEPLOYMENTS)
                .param("environments", environments)
                .param("statuses", statuses)
                .param("before", Objects.requireNonNullElse(before, PageReading.NEWEST))
                .param("window", filter.searches() ? SEARCHED : limit)
                .param("limit", limit)
                .param("repository", filter.repository())
                .param("user", filter.user())
                .query(new PageReading<>(
                        limit,
                        (row, number) -> read(row),
                        run -> run.environments().stream().allMatch(visible)));
    }

    /** One run; empty when there is none. Whether the caller may see all of its environments is the caller's to check. */
    public Optional<RunStory> find(long id) {
        return jdbc.sql("SELECT * FROM run WHERE id = :id")
                .param("id", id)
                .query((row, number) -> new RunStory(
                        read(row),
                        Rows.instantOrNull(row, "picked_up_at"),
                        Rows.instant(row, "last_contact_at"),
                        Rows.instantOrNull(row, "lease_expires_at"),
                        Rows.instantOrNull(row, "cancel_requested_at"),
                        row.getString("cancel_reason"),
                        row.getInt("approvals_required"),
                        row.getString("reported_status"),
                        approvals(id),
                        decisions(id),
                        includes(id)))
                .optional();
    }

    private List<RunStory.Approval> approvals(long id) {
        return jdbc.sql("SELECT approver, comment, at FROM approval WHERE run_id = :id ORDER BY at, approver")
                .param("id", id)
                .query((row, number) -> new RunStory.Approval(
                        row.getString("approver"), row.getString("comment"), Rows.instant(row, "at")))
                .list();
    }

    private List<RunStory.Decision> decisions(long id) {
        return jdbc.sql("SELECT at, actor, action, reason FROM audit WHERE run_id = :id ORDER BY id LIMIT 100")
                .param("id", id)
                .query((row, number) -> new RunStory.Decision(
                        Rows.instant(row, "at"),
                        row.getString("actor"),
                        row.getString("action"),
                        row.getString("reason")))
                .list();
    }

    private List<Long> includes(long id) {
        return jdbc.sql("SELECT id FROM run WHERE batched_into = :id ORDER BY id LIMIT 100")
                .param("id", id)
                .query((row, number) -> row.getLong("id"))
                .list();
    }

    private static PastRun read(ResultSet row) throws SQLException {
        List<String> environments = Rows.strings(row, "environments");
        Instant created = Rows.instant(row, "created_at");
        Instant granted = Rows.instantOrNull(row, "granted_at");
        Instant completed = Rows.instantOrNull(row, "completed_at");
        String statusReason = row.getString("status_reason");
        return new PastRun(
                row.getLong("id"),
                environments.getFirst(),
                environments,
                row.getString("status"),
                statusReason == null ? row.getString("reason") : statusReason,
                created,
                granted,
                completed,
                PastRun.seconds(created, granted),
                PastRun.seconds(granted, completed),
                row.getObject("fencing_token", Long.class),
                row.getObject("batched_into", Long.class),
                row.getObject("covered", Boolean.class),
                row.getObject("shipped_by", Long.class),
                row.getString("skip_reason"),
                row.getObject("superseded_by", Long.class),
                row.getInt("priority") == 0 ? "high" : "normal",
                row.getString("coverage"),
                row.getString("caller"),
                row.getString("sha"),
                row.getString("ref"),
                row.getString("repository"),
                row.getString("title"),
                row.getString("tier"),
                row.getString("user_name"),
                row.getString("hostname"),
                row.getObject("pid", Integer.class),
                row.getString("command"),
                row.getString("source"),
                row.getString("run_url"),
                Rows.strings(row, "trusted"),
                row.getString("deployed_sha"));
    }
}
