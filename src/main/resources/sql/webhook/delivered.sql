-- A repeated write, after an answer that was lost on the way, counts nothing twice: the place is there already.
UPDATE webhook
SET delivered = delivered + CASE WHEN (position_transaction, position_id) < (:transaction::text::xid8, :id) THEN 1 ELSE 0 END,
    position_transaction = :transaction::text::xid8,
    position_id = :id,
    failures = 0,
    refusals = 0,
    last_error = NULL,
    last_delivered_at = statement_timestamp(),
    claimed_until = statement_timestamp() + make_interval(secs => :leaseSeconds)
WHERE name = :name
  AND claim = :claim
