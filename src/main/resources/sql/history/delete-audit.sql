DELETE FROM audit
WHERE id IN (
    SELECT old.id
    FROM audit old
    WHERE old.at < :cutoff::timestamptz
    ORDER BY old.at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
)
