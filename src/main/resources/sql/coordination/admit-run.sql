-- Approved: it takes its place in the queue by its id, and its time there begins now.
WITH done AS (
    UPDATE run
    SET status = 'queued',
        queue_expires_at = :at::timestamptz + make_interval(secs => queue_timeout_seconds),
        presence_expires_at = :at::timestamptz + make_interval(secs => coalesce(presence_seconds, :presenceSeconds))
    WHERE id = :run AND status = 'awaiting_approval'
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('admitting run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
