-- Found by two searches, each with an index of its own, since one search for either would read every skipped run.
UPDATE run
SET shipped_by = :by
WHERE status = 'skipped'
  AND shipped_by IS NULL
  AND id IN (
      SELECT unnest(:runs::bigint[])
      UNION
      SELECT same.id
      FROM run same
      WHERE same.status = 'skipped'
        AND same.shipped_by IS NULL
        AND same.sha = :deployedSha
        AND same.environments <@ :environments::text[]
        AND same.repository IS NOT DISTINCT FROM :repository
  )
