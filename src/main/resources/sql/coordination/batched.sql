SELECT b.id, b.covered, b.sha, b.title, b.user_name, b.run_url
FROM run b
WHERE b.batched_into = :run::bigint
ORDER BY b.id
