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

-- Whether a queued run is passed over while these environments are frozen or in quarantine.
CREATE FUNCTION is_held_back(queued bigint, frozen text[], quarantined text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM run_environment p
        JOIN run r ON r.id = p.run_id
        WHERE p.run_id = queued
          AND ((p.environment = ANY (frozen) AND NOT r.passes_freeze) OR (p.environment = ANY (quarantined) AND r.priority > 0)))
$$;

-- The lock group that the configuration has declared while a run of the environment held the lock of the present one. Nothing is granted in
-- the environment until that run has ended; then it moves, so that however long the queue is, the declaration comes into force.
ALTER TABLE environment ADD COLUMN next_lock_group text;
