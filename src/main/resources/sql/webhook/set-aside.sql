-- The receiver has refused this event often enough. A repeated write counts nothing twice, as in delivered.sql.
UPDATE webhook
SET refused = refused + CASE WHEN (position_transaction, position_id) < (:transaction::text::xid8, :id) THEN 1 ELSE 0 END,
    position_transaction = :transaction::text::xid8,
    position_id = :id,
    failures = 0,
    refusals = 0,
    last_error = :error,
    last_failed_at = statement_timestamp(),
    last_refused_at = statement_timestamp(),
    claimed_until = statement_timestamp() + make_interval(secs => :leaseSeconds)
WHERE name = :name
  AND claim = :claim
