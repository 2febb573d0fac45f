SELECT pg_advisory_xact_lock_shared(sorted.key)
FROM (
    SELECT group_lock_key(c.lock_group) AS key
    FROM claim c
    WHERE c.run_id = :run
    ORDER BY key
) AS sorted
