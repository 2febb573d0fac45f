WITH done AS (
    UPDATE run
    SET cancel_requested_at = coalesce(cancel_requested_at, :at::timestamptz),
        cancel_cause = coalesce(cancel_cause, :cause),
        cancel_reason = coalesce(cancel_reason, :reason)
    WHERE id = :run AND status = 'in_progress' AND fencing_token = :fencingToken
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('asking run %s to stop', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
