-- Ends exactly the run that was planned on: a queued one, or this very grant of it.
WITH done AS (
    UPDATE run
    SET status = :status,
        status_reason = :reason,
        completed_at = :at::timestamptz,
        -- Whoever says how it went has learned of the grant.
        picked_up_at = CASE WHEN :reportedStatus IN ('success', 'failure') THEN coalesce(picked_up_at, :at::timestamptz) ELSE picked_up_at END,
        reported_status = :reportedStatus,
        deployed_sha = :deployedSha
    WHERE id = :run AND status = :wasStatus AND fencing_token IS NOT DISTINCT FROM :fencingToken::bigint
    RETURNING *
),
deployed AS (
    UPDATE environment
    SET last_deployment_run = done.id,
        last_deployment_stopped = done.status <> 'success' AND done.cancel_cause IS NOT DISTINCT FROM 'newer',
        last_success_sha = CASE WHEN done.status = 'success' THEN coalesce(:shippedSha, last_success_sha) ELSE last_success_sha END
    FROM done
    WHERE environment.name = ANY (done.environments) AND done.fencing_token IS NOT NULL AND done.picked_up_at IS NOT NULL
      -- The lock of another tool names no change: what is live is what the last deployment left.
      AND done.foreign_lock_id IS NULL
),
succeeded AS (
    INSERT INTO deployed_sha (environment, sha, deployed_at)
    SELECT unnest(done.environments), :shippedSha, done.completed_at
    FROM done
    WHERE done.status = 'success' AND :shippedSha IS NOT NULL
    ON CONFLICT (environment, sha) DO UPDATE SET deployed_at = EXCLUDED.deployed_at
)
SELECT done.*,
       expect_rows(1, (SELECT count(*) FROM done), format('ending run %s', :run::bigint)),
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = done.id) AS lock_groups
FROM (VALUES (1)) AS once
LEFT JOIN done ON true
