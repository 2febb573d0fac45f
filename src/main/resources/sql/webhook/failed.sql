-- Gives the claim back: whichever replica looks first when the pause is over tries again.
UPDATE webhook
SET position_transaction = :transaction::text::xid8,
    position_id = :id,
    failures = :failures,
    refusals = :refusals,
    last_error = :error,
    last_failed_at = statement_timestamp(),
    next_attempt_at = statement_timestamp() + make_interval(secs => :pauseSeconds),
    claimed_until = NULL
WHERE name = :name
  AND claim = :claim
