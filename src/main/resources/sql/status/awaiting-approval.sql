SELECT r.id, r.user_name, r.title, r.sha, r.run_url, r.created_at, r.approvals_required,
       (SELECT count(*) FROM approval a WHERE a.run_id = r.id) AS given
FROM run_environment l
JOIN run r ON r.id = l.run_id
WHERE l.environment = :environment AND l.status = 'awaiting_approval'
ORDER BY r.id
LIMIT :limit
