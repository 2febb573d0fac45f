SELECT statement_timestamp() AS at,
       e.lock_group,
       holder.id,
       holder.environments,
       holder.pid,
       holder.user_name,
       holder.hostname,
       holder.command,
       holder.title,
       holder.sha,
       holder.run_url,
       holder.granted_at,
       holder.last_contact_at,
       -- As a forced release sees it.
       statement_timestamp() < holder.last_contact_at + make_interval(secs => holder.lease_seconds / 2.0) AS alive,
       holder.lease_expires_at,
       holder.fencing_token,
       (SELECT count(*) FROM claim q WHERE q.lock_group = e.lock_group AND q.status = 'queued') AS queued,
       usual_hold_seconds(e.lock_group) AS usual_hold_seconds,
       (SELECT last_swept_at FROM sweeper) AS last_swept_at,
       e.health_url IS NOT NULL AS probed,
       probe.status AS probe_status,
       probe.detail AS probe_detail,
       probe.checked_at AS probe_checked_at
FROM environment e
LEFT JOIN claim h ON h.lock_group = e.lock_group AND h.status = 'in_progress'
LEFT JOIN run holder ON holder.id = h.run_id
LEFT JOIN environment_health probe ON probe.environment = e.name
WHERE e.name = :environment
