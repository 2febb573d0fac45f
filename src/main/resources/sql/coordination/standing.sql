-- Where a queued run stands in each of its groups. What waits ahead in environments that are :frozen or :quarantined does not count, unless
-- :countsAll. Of those there may be thousands: they are counted by their environments' queues and taken off the whole.
SELECT c.lock_group,
       statement_timestamp() AS at,
       (SELECT count(*) FROM claim q
         WHERE q.lock_group = c.lock_group AND q.status = 'queued' AND (q.priority, q.run_id) < (c.priority, c.run_id))
       - CASE WHEN :countsAll THEN 0 ELSE
           (SELECT count(DISTINCT p.run_id)
              FROM run_environment p
              JOIN claim q ON q.run_id = p.run_id AND q.lock_group = c.lock_group
             WHERE p.environment = ANY (:heldBack) AND p.status = 'queued' AND (p.priority, p.run_id) < (c.priority, c.run_id)
               -- Only high priority passes either, and of that there is little.
               AND (p.priority > 0
                    OR (p.environment = ANY (:frozen) AND NOT (SELECT r.passes_freeze FROM run r WHERE r.id = p.run_id))))
         END AS ahead,
       ARRAY(SELECT q.run_id FROM claim q
             WHERE q.lock_group = c.lock_group AND q.status = 'queued' AND (q.priority, q.run_id) < (c.priority, c.run_id)
               AND (:countsAll OR NOT EXISTS (
                   SELECT FROM run_environment p
                   WHERE p.run_id = q.run_id AND p.environment = ANY (:heldBack)
                     AND (p.priority > 0
                          OR (p.environment = ANY (:frozen) AND NOT (SELECT r.passes_freeze FROM run r WHERE r.id = p.run_id)))))
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
