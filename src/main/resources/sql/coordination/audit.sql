INSERT INTO audit (at, actor, action, environments, run_id, reason, before, after)
VALUES (:at::timestamptz, :actor, :action, :environments::text[], :run::bigint, :reason,
        jsonb_object(:beforeKeys::text[], :beforeValues::text[]), jsonb_object(:afterKeys::text[], :afterValues::text[]))
