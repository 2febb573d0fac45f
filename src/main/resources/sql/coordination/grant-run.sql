WITH done AS (
    UPDATE run
    SET status = 'in_progress',
        granted_at = :at::timestamptz,
        last_contact_at = :at::timestamptz,
        lease_expires_at = LEAST(:at::timestamptz + make_interval(secs => coalesce(presence_seconds, :pickUpSeconds)), :holdEndsAt::timestamptz),
        hold_expires_at = :holdExpiresAt::timestamptz,
        hold_ends_at = :holdEndsAt::timestamptz,
        fencing_token = nextval('fencing_token')
    WHERE id = :run AND status = 'queued'
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('granting run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
