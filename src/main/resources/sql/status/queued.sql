SELECT r.id, r.environments, r.created_at, r.user_name, r.title, r.sha, r.run_url, r.priority, r.passes_freeze
FROM claim q
JOIN run r ON r.id = q.run_id
WHERE q.lock_group = :lockGroup AND q.status = 'queued'
ORDER BY q.priority, q.run_id
LIMIT :limit
