SELECT r.*,
       ARRAY(SELECT c.lock_group FROM claim c WHERE c.run_id = r.id) AS lock_groups,
       statement_timestamp() AS at
FROM environment e
JOIN claim held ON held.lock_group = e.lock_group AND held.status = 'in_progress'
JOIN run r ON r.id = held.run_id
WHERE e.name = :environment
