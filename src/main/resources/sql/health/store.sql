-- Only for the claim and the URL that the finding belongs to: another replica may have claimed since, the policy may have changed.
UPDATE environment_health h
SET status = :status, detail = :detail, checked_at = h.claimed_at
FROM environment e
WHERE h.environment = :environment
  AND h.claimed_at = :claimedAt
  AND e.name = h.environment
  AND e.health_url = :url
