-- What lies before the place was not for this webhook, or is delivered. Goes on, or gives the claim back when there is nothing to do.
UPDATE webhook
SET position_transaction = :transaction::text::xid8,
    position_id = :id,
    claimed_until = CASE WHEN :goesOn THEN statement_timestamp() + make_interval(secs => :leaseSeconds) END
WHERE name = :name
  AND claim = :claim
