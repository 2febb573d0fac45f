SELECT r.id, r.sha, r.title, r.user_name, r.run_url, r.created_at, r.batched_into
FROM run r
WHERE r.environments @> ARRAY[:environment::text]
  AND r.status = 'skipped'
  AND NOT r.covered
  AND r.shipped_by IS NULL
  AND r.sha IS NOT NULL
ORDER BY r.id DESC
LIMIT :limit
