-- What ended in the window, found by run_completed. A grant that nobody picked up (abandoned) is no deployment.
WITH ended AS (
    SELECT r.status,
           r.granted_at IS NOT NULL AND r.status <> 'abandoned' AS deployed,
           extract(epoch FROM r.granted_at - r.created_at) AS wait_seconds,
           extract(epoch FROM r.completed_at - r.granted_at) AS duration_seconds
    FROM run r
    WHERE r.completed_at > statement_timestamp() - make_interval(secs => :windowSeconds)
      AND (:environment::text IS NULL OR r.environments @> ARRAY[:environment::text])
      AND (:environments::text[] IS NULL OR r.environments <@ :environments::text[])
)
SELECT statement_timestamp() AS until,
       statement_timestamp() - make_interval(secs => :windowSeconds) AS since,
       count(*) AS runs,
       count(*) FILTER (WHERE deployed) AS deployments,
       count(*) FILTER (WHERE status = 'success') AS success,
       count(*) FILTER (WHERE status = 'failure') AS failure,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE status = 'timed_out') AS timed_out,
       count(*) FILTER (WHERE status = 'abandoned') AS abandoned,
       count(*) FILTER (WHERE status = 'expired') AS expired,
       count(*) FILTER (WHERE status = 'preempted') AS preempted,
       count(*) FILTER (WHERE status = 'rejected') AS rejected,
       count(*) FILTER (WHERE status = 'superseded') AS superseded,
       count(*) FILTER (WHERE status = 'skipped') AS skipped,
       avg(wait_seconds) FILTER (WHERE deployed) AS wait_avg,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_seconds) FILTER (WHERE deployed) AS wait_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY wait_seconds) FILTER (WHERE deployed) AS wait_p95,
       avg(duration_seconds) FILTER (WHERE deployed) AS duration_avg,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE deployed) AS duration_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE deployed) AS duration_p95
FROM ended
