SELECT e.name,
       e.lock_group,
       h.run_id AS holder,
       (SELECT count(*) FROM claim q WHERE q.lock_group = e.lock_group AND q.status = 'queued') AS queued
FROM environment e
LEFT JOIN claim h ON h.lock_group = e.lock_group AND h.status = 'in_progress'
WHERE e.name = ANY (:names)
ORDER BY e.name
LIMIT :limit
