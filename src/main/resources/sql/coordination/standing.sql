-- Where a queued run stands in each of its groups. What waits ahead in environments that are :frozen or :quarantined does not count.
SELECT c.lock_group,
       statement_timestamp() AS at,
       (SELECT count(*) FROM claim q
         WHERE q.lock_group = c.lock_group AND q.status = 'queued' AND (q.priority, q.run_id) < (c.priority, c.run_id)
           AND (:countsAll OR NOT is_held_back(q.run_id, :frozen, :quarantined))) AS ahead,
       ARRAY(SELECT q.run_id FROM claim q
             WHERE q.lock_group = c.lock_group AND q.status = 'queued' AND (q.priority, q.run_id) < (c.priority, c.run_id)
               AND (:countsAll OR NOT is_held_back(q.run_id, :frozen, :quarantined))
             ORDER BY q.priority, q.run_id
             LIMIT :aheadShown) AS ahead_runs,
       (SELECT count(*) FROM claim q WHERE q.lock_group = c.lock_group AND q.status = 'queued') AS queued,
       usual_hold_seconds(c.lock_group) AS usual_hold_seconds,
       holder.id AS holder_id,
       holder.environments AS holder_environments,
       holder.user_name AS holder_user,
       holder.granted_at AS holder_since,
       holder.run_url AS holder_run_url,
       holder.title AS holder_title
FROM claim c
LEFT JOIN claim h ON h.lock_group = c.lock_group AND h.status = 'in_progress'
LEFT JOIN run holder ON holder.id = h.run_id
WHERE c.run_id = :run
ORDER BY c.lock_group
