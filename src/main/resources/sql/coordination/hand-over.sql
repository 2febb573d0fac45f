-- Without a successor the receipts keep naming the run that was to cover them, and say that nobody does: they are undeployed.
UPDATE run
SET batched_into = coalesce(:to::bigint, batched_into),
    covered = :to::bigint IS NOT NULL
WHERE batched_into = :from AND covered AND shipped_by IS NULL
