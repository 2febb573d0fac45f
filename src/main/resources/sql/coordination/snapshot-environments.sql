SELECT statement_timestamp() AS at,
       sweeper.last_swept_at,
       named.name,
       e.lock_group
FROM sweeper
LEFT JOIN unnest(:environments::text[]) AS named (name) ON true
LEFT JOIN environment e ON e.name = named.name
