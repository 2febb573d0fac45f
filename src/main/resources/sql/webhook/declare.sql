-- A new webhook begins with what happens from now on. A place ahead of all transactions is none of this database's, which was replaced by
-- another or by an old copy: what the webhook missed cannot be counted, and it begins anew as well.
INSERT INTO webhook AS known (name, position_transaction, position_id, declared_at, next_attempt_at)
SELECT declared.name, pg_snapshot_xmin(pg_current_snapshot()), 0, statement_timestamp(), statement_timestamp()
FROM unnest(:names::text[]) AS declared (name)
ORDER BY declared.name
ON CONFLICT (name) DO UPDATE
SET declared_at = excluded.declared_at,
    position_transaction = CASE WHEN known.position_transaction > pg_snapshot_xmax(pg_current_snapshot())
                                THEN excluded.position_transaction ELSE known.position_transaction END,
    position_id = CASE WHEN known.position_transaction > pg_snapshot_xmax(pg_current_snapshot())
                       THEN 0 ELSE known.position_id END,
    last_lost_at = CASE WHEN known.position_transaction > pg_snapshot_xmax(pg_current_snapshot())
                        THEN statement_timestamp() ELSE known.last_lost_at END
