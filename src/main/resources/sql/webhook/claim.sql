-- One replica at a time delivers. The number identifies the claim: whoever comes back late with another one writes nothing. Two replicas
-- that saw the webhook due meet at its row; the second finds it claimed.
UPDATE webhook
SET claim = claim + 1,
    claimed_until = statement_timestamp() + make_interval(secs => :leaseSeconds)
WHERE name = :name
  AND next_attempt_at <= statement_timestamp()
  AND (claimed_until IS NULL OR claimed_until <= statement_timestamp())
RETURNING claim, position_transaction::text AS position_transaction, position_id, failures, refusals
