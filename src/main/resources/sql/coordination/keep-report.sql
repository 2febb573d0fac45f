WITH done AS (
    UPDATE run
    SET reported_status = :reportedStatus,
        deployed_sha = :deployedSha
    WHERE id = :run AND completed_at IS NOT NULL AND fencing_token = :fencingToken AND reported_status IS NULL
    RETURNING id
)
SELECT expect_rows(1, (SELECT count(*) FROM done), format('keeping the late report of run %s', :run::bigint))
