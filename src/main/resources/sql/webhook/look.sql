-- One look for all webhooks. For each, the index of the events is entered at the webhook's place, and one entry is read.
SELECT w.name,
       coalesce(greatest(0, extract(epoch FROM statement_timestamp() - next.at)), 0)::bigint AS lag_seconds,
       coalesce(next.transaction < pg_snapshot_xmin(pg_current_snapshot()), false)
           AND w.next_attempt_at <= statement_timestamp()
           AND (w.claimed_until IS NULL OR w.claimed_until <= statement_timestamp()) AS due
FROM webhook w
LEFT JOIN LATERAL (
    SELECT event.transaction, event.at
    FROM event
    WHERE (event.transaction, event.id) > (w.position_transaction, w.position_id)
    ORDER BY event.transaction, event.id
    LIMIT 1
) AS next ON true
WHERE w.name = ANY (:names)
