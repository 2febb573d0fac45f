SELECT r.*,
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = r.id) AS lock_groups,
       statement_timestamp() AS at
FROM run r
WHERE r.id = :run
