-- A heartbeat. The first one after the grant also picks it up.
WITH done AS (
    UPDATE run
    SET lease_expires_at = LEAST(:at::timestamptz + make_interval(secs => lease_seconds), hold_ends_at),
        picked_up_at = coalesce(picked_up_at, :at::timestamptz),
        last_contact_at = :at::timestamptz
    WHERE id = :run AND status = 'in_progress' AND fencing_token = :fencingToken
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('renewing the lease of run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
