-- A waiting run gives way to :by, or to the one that was just inserted.
WITH done AS (
    UPDATE run
    SET status = 'superseded',
        status_reason = 'a newer run of the same environments, repository and ref took its place: run '
                        || coalesce(:by::bigint, currval(pg_get_serial_sequence('run', 'id'))),
        superseded_by = coalesce(:by::bigint, currval(pg_get_serial_sequence('run', 'id'))),
        completed_at = :at::timestamptz
    WHERE id = :run AND status = :wasStatus
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('superseding run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
