-- One page of the audit trail, newest first. The filters look at the :window newest entries only, which the primary key finds.
WITH seen AS MATERIALIZED (
    SELECT *
    FROM audit
    WHERE id < :before
    ORDER BY id DESC
    LIMIT :window
)
SELECT edge.lowest_seen,
       edge.is_more,
       a.*
FROM (
    SELECT (SELECT min(id) FROM seen) AS lowest_seen,
           EXISTS (SELECT FROM audit WHERE id < (SELECT min(id) FROM seen)) AS is_more
) AS edge
LEFT JOIN LATERAL (
    SELECT *
    FROM seen
    WHERE (:environment::text IS NULL OR :environment = ANY (seen.environments))
      AND (:actor::text IS NULL OR seen.actor = :actor)
      AND (:action::text IS NULL OR seen.action = :action)
    ORDER BY seen.id DESC
    LIMIT :limit + 1
) AS a ON true
ORDER BY a.id DESC
