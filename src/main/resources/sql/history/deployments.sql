-- One page of runs, newest first. The newest runs that may belong to it are found by an index for each kind of question; a branch
-- that is not asked has no environments or statuses to search for, or a condition that is false before it begins. Each stream comes in
-- order and stops after :window, so that a page costs the same among a thousand runs and among a million. What no index knows
-- (repository, user) is looked for among those :window runs only.
WITH candidate AS MATERIALIZED (
    SELECT id
    FROM (
        -- All runs: run_pkey.
        (
            SELECT r.id
            FROM run r
            WHERE :environments::text[] IS NULL AND :statuses::text[] IS NULL AND r.id < :before
            ORDER BY r.id DESC
            LIMIT :window + 1
        )
        UNION ALL
        -- Ended runs by status: run_ended.
        SELECT ended.id
        FROM unnest(CASE WHEN :environments::text[] IS NULL THEN :statuses::text[] END) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT r.id
            FROM run r
            WHERE r.status = wanted.status AND r.completed_at IS NOT NULL AND r.id < :before
            ORDER BY r.id DESC
            LIMIT :window + 1
        ) AS ended
        UNION ALL
        -- Pending runs, all of which have a deadline: run_deadline. They are few, so all are read and then sorted.
        SELECT pending.id
        FROM (
            SELECT r.id
            FROM run r
            WHERE :environments::text[] IS NULL
              AND :statuses::text[] && ARRAY['awaiting_approval', 'queued', 'in_progress']
              AND r.deadline_at IS NOT NULL
              AND r.status = ANY (:statuses::text[])
              AND r.id < :before
            OFFSET 0
        ) AS pending
        UNION ALL
        -- The runs of some environments: run_environment_pkey.
        SELECT listed.run_id
        FROM unnest(CASE WHEN :statuses::text[] IS NULL THEN :environments::text[] END) AS named (environment)
        CROSS JOIN LATERAL (
            SELECT l.run_id
            FROM run_environment l
            WHERE l.environment = named.environment AND l.run_id < :before
            ORDER BY l.run_id DESC
            LIMIT :window + 1
        ) AS listed
        UNION ALL
        -- The same by status: run_environment_history.
        SELECT listed.run_id
        FROM unnest(:environments::text[]) AS named (environment)
        CROSS JOIN unnest(:statuses::text[]) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT l.run_id
            FROM run_environment l
            WHERE l.environment = named.environment AND l.status = wanted.status AND l.run_id < :before
            ORDER BY l.run_id DESC
            LIMIT :window + 1
        ) AS listed
    ) AS stream (id)
    -- A run of several environments is in several streams.
    GROUP BY id
    ORDER BY id DESC
    LIMIT :window + 1
),
seen AS MATERIALIZED (
    SELECT id FROM candidate ORDER BY id DESC LIMIT :window
)
SELECT edge.lowest_seen,
       edge.is_more,
       r.*
FROM (
    SELECT (SELECT min(id) FROM seen) AS lowest_seen,
           (SELECT count(*) FROM candidate) > :window AS is_more
) AS edge
LEFT JOIN LATERAL (
    SELECT found.*
    FROM seen
    JOIN run found USING (id)
    WHERE (:repository::text IS NULL OR found.repository = :repository)
      AND (:user::text IS NULL OR found.user_name = :user)
    ORDER BY found.id DESC
    LIMIT :limit + 1
) AS r ON true
ORDER BY r.id DESC
