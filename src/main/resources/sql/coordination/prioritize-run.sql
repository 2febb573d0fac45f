WITH done AS (
    UPDATE run
    SET priority = 0,
        passes_freeze = passes_freeze OR :passesFreeze
    WHERE id = :run AND status = :wasStatus
    RETURNING *
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('prioritizing run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
