-- One batch of the oldest ended runs that are past their time, from where the last batch ended. Kept are those that an environment names
-- and those that a kept run names: a receipt must lead to the run it is a receipt for. Receipts end before that run does, so they come in
-- an earlier batch or in the same one.
WITH RECURSIVE candidate AS MATERIALIZED (
    SELECT r.id, r.completed_at, r.batched_into, r.shipped_by, r.superseded_by
    FROM run r
    WHERE r.completed_at < :cutoff::timestamptz
      AND (r.completed_at, r.id) > (:afterAt::timestamptz, :afterId)
    ORDER BY r.completed_at, r.id
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
),
kept AS (
    SELECT c.id
    FROM candidate c
    WHERE EXISTS (SELECT FROM environment e WHERE c.id IN (e.last_deployment_run, e.quarantine_run))
       OR EXISTS (SELECT FROM run o WHERE o.batched_into = c.id AND o.id NOT IN (SELECT id FROM candidate))
       OR EXISTS (SELECT FROM run o WHERE o.shipped_by = c.id AND o.id NOT IN (SELECT id FROM candidate))
       OR EXISTS (SELECT FROM run o WHERE o.superseded_by = c.id AND o.id NOT IN (SELECT id FROM candidate))
    UNION
    SELECT named.id
    FROM kept
    JOIN candidate naming ON naming.id = kept.id
    JOIN candidate named ON named.id IN (naming.batched_into, naming.shipped_by, naming.superseded_by)
),
deleted AS (
    DELETE FROM run
    WHERE id = ANY (ARRAY(SELECT id FROM candidate EXCEPT SELECT id FROM kept))
    RETURNING id
)
SELECT count(*) AS found,
       (SELECT count(*) FROM deleted) AS deleted,
       last.completed_at AS last_at,
       last.id AS last_id
FROM candidate
LEFT JOIN LATERAL (
    SELECT l.completed_at, l.id FROM candidate l ORDER BY l.completed_at DESC, l.id DESC LIMIT 1
) AS last ON true
GROUP BY last.completed_at, last.id
