UPDATE run
SET shipped_by = :by
WHERE status = 'skipped'
  AND shipped_by IS NULL
  AND (id = ANY (:runs::bigint[])
       OR (sha = :deployedSha AND environments <@ :environments::text[] AND repository IS NOT DISTINCT FROM :repository))
