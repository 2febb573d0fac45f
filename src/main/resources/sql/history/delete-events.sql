DELETE FROM event
WHERE (transaction, id) IN (
    SELECT old.transaction, old.id
    FROM event old
    WHERE old.at < :cutoff::timestamptz
    ORDER BY old.at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
)
