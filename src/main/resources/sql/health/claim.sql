-- Stamps the environments that are due, longest waiting first; who is stamped is not due for others. The first time, there is no result
-- to keep yet. The stamp comes back: it is the claim's identity.
INSERT INTO environment_health AS claimed (environment, status, detail, checked_at)
SELECT e.name, 'degraded', :first, statement_timestamp()
FROM environment e
LEFT JOIN environment_health last ON last.environment = e.name
WHERE e.health_url IS NOT NULL
  AND (last.checked_at IS NULL OR last.checked_at <= statement_timestamp() - make_interval(secs => :pauseSeconds))
ORDER BY last.checked_at NULLS FIRST, e.name
LIMIT :limit
ON CONFLICT (environment) DO UPDATE SET checked_at = excluded.checked_at
RETURNING environment, checked_at, (SELECT e.health_url FROM environment e WHERE e.name = claimed.environment) AS health_url
