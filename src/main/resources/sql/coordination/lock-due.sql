-- The sweeper's locks, as far as they are free: a transition in the group has them otherwise, and does there what is due. One replica sweeps at a time, and takes the groups that have something overdue, or are free while somebody waits
-- (which no transition leaves behind; this is the net below them).
SELECT sorted.lock_group, pg_try_advisory_xact_lock(sorted.key) AS is_ours
FROM (
    SELECT due.lock_group, group_lock_key(due.lock_group) AS key
    FROM (
        SELECT c.lock_group
        FROM (
            SELECT r.id
            FROM run r
            WHERE r.deadline_at <= statement_timestamp()
            ORDER BY r.deadline_at
            LIMIT :overdueLimit
        ) AS overdue
        JOIN claim c ON c.run_id = overdue.id
        UNION
        SELECT g.name
        FROM lock_group g
        WHERE EXISTS (SELECT FROM claim q WHERE q.lock_group = g.name AND q.status = 'queued')
          AND NOT EXISTS (SELECT FROM claim h WHERE h.lock_group = g.name AND h.status = 'in_progress')
        UNION
        SELECT more.name
        FROM unnest(:groups::text[]) AS more (name)
    ) AS due
    ORDER BY key, lock_group
) AS sorted
