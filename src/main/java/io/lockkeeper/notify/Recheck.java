package io.lockkeeper.notify;

import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.LockGroup;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.springframework.jdbc.core.JdbcTemplate;

/** Finds what no ring told: one query for all runs that are waited for in this replica, and one for all lock groups. */
final class Recheck {
    private final JdbcTemplate jdbc;
    private final WaitingRoom room;

    Recheck(JdbcTemplate jdbc, WaitingRoom room) {
        this.jdbc = jdbc;
        this.room = room;
    }

    void run() {
        Map<RunId, Set<RunStatus>> seen = room.runs();
        if (!seen.isEmpty()) {
            Long[] ids = seen.keySet().stream().map(RunId::value).toArray(Long[]::new);
            jdbc.query(
                    "SELECT id, status FROM run WHERE id = ANY (?)",
                    row -> {
                        RunId id = new RunId(row.getLong("id"));
                        String status = row.getString("status");
                        if (seen.getOrDefault(id, Set.of()).stream()
                                .anyMatch(told -> !told.label().equals(status))) {
                            room.ring(Set.of(id), Set.of());
                        }
                    },
                    (Object) ids);
        }
        Set<LockGroup> free = new HashSet<>(room.groups());
        if (!free.isEmpty()) {
            String[] names = free.stream().map(LockGroup::name).toArray(String[]::new);
            jdbc.query(
                    "SELECT lock_group FROM claim WHERE status = 'in_progress' AND lock_group = ANY (?)",
                    row -> {
                        free.remove(new LockGroup(row.getString("lock_group")));
                    },
                    (Object) names);
            room.ring(Set.of(), free);
        }
    }
}
