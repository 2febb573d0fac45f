-- Without a successor the receipts keep naming the run that was to cover them, and say that nobody does: they are undeployed.
UPDATE run
SET batched_into = coalesce(:to::bigint, CASE WHEN :toInserted THEN currval(pg_get_serial_sequence('run', 'id')) END, batched_into),
    covered = :to::bigint IS NOT NULL OR :toInserted
WHERE batched_into = :from AND covered AND shipped_by IS NULL
