SELECT w.*,
       w.claimed_until > statement_timestamp() AS claimed,
       coalesce(greatest(0, extract(epoch FROM statement_timestamp() - next.at)), 0)::bigint AS lag_seconds
FROM webhook w
LEFT JOIN LATERAL (
    SELECT event.at
    FROM event
    WHERE (event.transaction, event.id) > (w.position_transaction, w.position_id)
    ORDER BY event.transaction, event.id
    LIMIT 1
) AS next ON true
WHERE w.name = ANY (:names)
ORDER BY w.name
