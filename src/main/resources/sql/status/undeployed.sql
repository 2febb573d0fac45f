-- OFFSET 0 keeps the planner from reading the history backwards by id until it has enough, which is all of it when there are few:
-- EXPLAIN ANALYZE
-- showed a million ended runs read for no row. run_undeployed finds them.
SELECT u.id, u.sha, u.title, u.user_name, u.run_url, u.created_at, u.batched_into
FROM (
    SELECT r.id, r.sha, r.title, r.user_name, r.run_url, r.created_at, r.batched_into
    FROM run r
    WHERE r.environments @> ARRAY[:environment::text]
      AND r.status = 'skipped'
      AND NOT r.covered
      AND r.shipped_by IS NULL
      AND r.sha IS NOT NULL
    OFFSET 0
) AS u
ORDER BY u.id DESC
LIMIT :limit
