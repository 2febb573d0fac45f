-- A waiting client asks: it is present, and if the run was granted meanwhile it now knows. Nothing else changes, so a shared lock of the
-- groups is enough to keep transitions out; waiters do not wait for each other.
UPDATE run
SET last_contact_at = statement_timestamp(),
    presence_expires_at = CASE WHEN status = 'queued'
                               THEN statement_timestamp() + make_interval(secs => coalesce(presence_seconds, :presenceSeconds))
                               ELSE presence_expires_at END,
    lease_expires_at = CASE WHEN status = 'in_progress' AND picked_up_at IS NULL
                            THEN LEAST(statement_timestamp() + make_interval(secs => lease_seconds), hold_ends_at)
                            ELSE lease_expires_at END,
    picked_up_at = CASE WHEN status = 'in_progress'
                        THEN coalesce(picked_up_at, statement_timestamp())
                        ELSE picked_up_at END
WHERE id = :run
  AND lock_token_digest = :digest
  AND (status IN ('queued', 'awaiting_approval') OR (status = 'in_progress' AND deadline_at > statement_timestamp()))
