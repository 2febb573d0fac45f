-- Every run that a plan may need, found through partial indexes: ended runs cost nothing and a long queue is read by its first few, of each
-- environment, since those of one may be held back.
WITH locked AS (
    SELECT g.name FROM groups_of(:environments::text[], :run::bigint, :groups::text[]) AS g (name)
),
needed AS (
    SELECT holder.run_id AS id
    FROM locked
    JOIN claim holder ON holder.lock_group = locked.name AND holder.status = 'in_progress'
    UNION
    SELECT head.run_id
    FROM locked
    JOIN environment member ON member.lock_group = locked.name
    CROSS JOIN LATERAL (
        SELECT q.run_id
        FROM run_environment q
        WHERE q.environment = member.name AND q.status = 'queued'
        ORDER BY q.priority, q.run_id
        LIMIT :window
    ) AS head
    UNION
    SELECT overdue.id
    FROM (
        SELECT r.id
        FROM run r
        WHERE r.deadline_at <= statement_timestamp()
          AND EXISTS (SELECT FROM claim c JOIN locked ON locked.name = c.lock_group WHERE c.run_id = r.id)
        ORDER BY r.deadline_at
        LIMIT :overdueLimit
    ) AS overdue
    UNION
    SELECT :run::bigint
    UNION
    SELECT twin.id FROM run twin WHERE twin.caller = :caller AND twin.idempotency_key = :idempotencyKey
    UNION
    (
        SELECT cover.id
        FROM run cover
        WHERE cover.batch_key = coalesce(:batchKey, (SELECT a.batch_key FROM run a WHERE a.id = :approving::bigint))
          AND cover.status = 'queued'
          AND cover.deadline_at > statement_timestamp()
          AND NOT EXISTS (
              SELECT FROM claim c WHERE c.run_id = cover.id AND c.lock_group NOT IN (SELECT name FROM locked))
        ORDER BY cover.id DESC
        -- The last one would cover a new run; where only the latest counts, all of them are superseded by it.
        LIMIT CASE WHEN EXISTS (
                       SELECT FROM locked JOIN environment e ON e.lock_group = locked.name WHERE e.queue_mode = 'latest_only')
                   THEN :overdueLimit ELSE 1 END
    )
)
SELECT r.*,
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = r.id) AS lock_groups,
       (r.caller = :caller AND r.idempotency_key = :idempotencyKey) IS TRUE AS is_twin,
       (r.batch_key = coalesce(:batchKey, (SELECT a.batch_key FROM run a WHERE a.id = :approving::bigint)) AND r.status = 'queued' AND r.deadline_at > statement_timestamp()) IS TRUE AS can_cover,
       ARRAY(SELECT p.approver FROM approval p WHERE p.run_id = r.id) AS approvals,
       covering.run_covers AS covers,
       successor.heard AS heard_successor,
       successor.any_other AS any_successor
FROM needed
JOIN run r USING (id)
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM run b WHERE b.batched_into = r.id AND b.covered AND b.shipped_by IS NULL) AS run_covers
) AS covering
-- The next queued run that can take over what this one covers, with and without regard to presence. Not the run that is just leaving.
CROSS JOIN LATERAL (
    SELECT (SELECT n.id
            FROM run n
            WHERE covering.run_covers
              AND n.batch_key = r.batch_key
              AND n.status = 'queued'
              AND n.coverage = 'latest'
              AND n.id <> r.id
              AND n.id IS DISTINCT FROM :leaving::bigint
              AND n.queue_expires_at > statement_timestamp()
              AND n.presence_expires_at > statement_timestamp()
              AND NOT EXISTS (SELECT FROM claim c WHERE c.run_id = n.id AND c.lock_group NOT IN (SELECT name FROM locked))
            ORDER BY n.priority, n.id
            LIMIT 1) AS heard,
           (SELECT n.id
            FROM run n
            WHERE covering.run_covers
              AND n.batch_key = r.batch_key
              AND n.status = 'queued'
              AND n.coverage = 'latest'
              AND n.id <> r.id
              AND n.id IS DISTINCT FROM :leaving::bigint
              AND n.queue_expires_at > statement_timestamp()
              AND NOT EXISTS (SELECT FROM claim c WHERE c.run_id = n.id AND c.lock_group NOT IN (SELECT name FROM locked))
            ORDER BY n.priority, n.id
            LIMIT 1) AS any_other
) AS successor
