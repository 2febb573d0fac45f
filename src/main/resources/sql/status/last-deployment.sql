SELECT r.id,
       r.status,
       r.tier,
       r.status_reason,
       r.user_name,
       r.run_url,
       r.granted_at,
       r.completed_at,
       coalesce(r.deployed_sha, newest.sha, r.sha) AS sha
FROM environment e
JOIN run r ON r.id = e.last_deployment_run
LEFT JOIN LATERAL (
    -- What it was told to deploy: the newest of the changes it shipped along, if that is newer than its own.
    SELECT b.sha
    FROM run b
    WHERE b.batched_into = r.id AND b.shipped_by = r.id AND b.id > r.id AND b.sha IS NOT NULL
    ORDER BY b.id DESC
    LIMIT 1
) AS newest ON true
WHERE e.name = :environment
