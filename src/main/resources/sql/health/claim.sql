-- Stamps the environments that are due, longest waiting first; who is stamped is not due for others. The first time, there is no result
-- to keep yet. The stamp comes back: it is the claim's identity.
INSERT INTO environment_health AS claimed (environment, status, detail, checked_at, claimed_at)
SELECT e.name, 'degraded', :first, statement_timestamp(), statement_timestamp()
FROM environment e
LEFT JOIN environment_health last ON last.environment = e.name
WHERE e.health_url IS NOT NULL
  AND (last.claimed_at IS NULL OR last.claimed_at <= statement_timestamp() - make_interval(secs => :pauseSeconds))
ORDER BY last.claimed_at NULLS FIRST, e.name
LIMIT :limit
ON CONFLICT (environment) DO UPDATE SET claimed_at = excluded.claimed_at
RETURNING environment, claimed_at, (SELECT e.health_url FROM environment e WHERE e.name = claimed.environment) AS health_url
