-- Takes the advisory locks of all groups that the transition is about, in the order of their keys, so that no two transitions wait for
-- each other. A statement of its own: one that also read the rows would read them as they were before it got the locks.
SELECT sorted.lock_group, pg_advisory_xact_lock(sorted.key)
FROM (
    SELECT g.name AS lock_group, group_lock_key(g.name) AS key
    FROM groups_of(:environments::text[], :run::bigint, :groups::text[]) AS g (name)
    ORDER BY key, lock_group
) AS sorted
