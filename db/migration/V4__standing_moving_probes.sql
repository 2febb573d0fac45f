-- How long deployments usually hold a lock group, in seconds: the median of the last 20 successes, which one slow deployment does not spoil.
-- Null without any.
CREATE FUNCTION usual_hold_seconds(wanted text) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM r.completed_at - r.granted_at))
    FROM (SELECT c.run_id FROM claim c
          WHERE c.lock_group = wanted AND c.status = 'success'
          ORDER BY c.run_id DESC
          LIMIT 20) AS last
    JOIN run r ON r.id = last.run_id
$$;

-- The lock group that the configuration has declared while a run of the environment held the lock of the present one. Nothing is granted in
-- the environment until that run has ended; then it moves, so that however long the queue is, the declaration comes into force.
ALTER TABLE environment ADD COLUMN next_lock_group text;

-- When a replica began the last probe; checked_at is when the one began whose result is kept.
ALTER TABLE environment_health ADD COLUMN claimed_at timestamptz;
UPDATE environment_health SET claimed_at = checked_at;
ALTER TABLE environment_health ALTER COLUMN claimed_at SET NOT NULL;
