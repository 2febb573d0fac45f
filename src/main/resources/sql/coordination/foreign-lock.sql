SELECT r.*,
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = r.id) AS lock_groups,
       statement_timestamp() AS at
FROM run r
WHERE r.foreign_lock_id = :lockId
  AND r.caller = :caller
  AND r.environments = :environments::text[]
ORDER BY r.id DESC
LIMIT 1
