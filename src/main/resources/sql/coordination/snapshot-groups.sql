-- Counting a long queue costs a millisecond for 10,000 runs, so only the transition that needs the number pays for it.
SELECT g.name AS lock_group,
       CASE WHEN :count THEN
           (SELECT count(*) FROM claim c WHERE c.lock_group = g.name AND c.status = 'queued')
         + (SELECT count(*) FROM claim c WHERE c.lock_group = g.name AND c.status = 'in_progress')
       END AS pending
FROM groups_of(:environments::text[], :run::bigint, :groups::text[]) AS g (name)
