-- The waiting runs of an environment follow it into another lock group. Its group of before stays theirs if another of their environments
-- is in it.
WITH waiting AS (
    SELECT r.id, r.status, r.priority, r.environments
    FROM run_environment l
    JOIN run r ON r.id = l.run_id
    WHERE l.environment = :name AND l.status IN ('queued', 'awaiting_approval')
),
left_behind AS (
    DELETE FROM claim c
    USING waiting
    WHERE c.run_id = waiting.id
      AND c.lock_group = :from
      AND NOT EXISTS (
          SELECT FROM environment e WHERE e.name = ANY (waiting.environments) AND e.name <> :name AND e.lock_group = :from)
)
INSERT INTO claim (run_id, lock_group, status, priority)
SELECT waiting.id, :to, waiting.status, waiting.priority FROM waiting
ON CONFLICT (run_id, lock_group) DO NOTHING
