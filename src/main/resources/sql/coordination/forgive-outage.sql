-- Nobody heard the clients for a while, so they get their time anew. Rows that a transition is just changing are left to it.
UPDATE run
SET presence_expires_at = CASE WHEN status = 'queued'
                               THEN GREATEST(presence_expires_at, statement_timestamp() + make_interval(secs => coalesce(presence_seconds, :presenceSeconds)))
                               ELSE presence_expires_at END,
    lease_expires_at = CASE WHEN status = 'in_progress'
                            THEN GREATEST(lease_expires_at, statement_timestamp() + make_interval(secs => coalesce(presence_seconds, :pickUpSeconds)))
                            ELSE lease_expires_at END
WHERE id IN (
    SELECT r.id
    FROM run r
    WHERE r.deadline_at IS NOT NULL
      AND (r.status = 'queued' OR (r.status = 'in_progress' AND r.picked_up_at IS NULL))
    FOR NO KEY UPDATE SKIP LOCKED
)
