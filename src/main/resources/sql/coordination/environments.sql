SELECT statement_timestamp() AS at,
       e.name,
       e.lock_group,
       e.next_lock_group,
       e.lease_seconds,
       e.queue_timeout_seconds,
       e.max_hold_seconds,
       e.batch_threshold,
       e.batch_window_seconds,
       e.queue_mode,
       e.cancel_in_progress,
       e.approvals_required,
       e.approvers,
       e.approval_timeout_seconds,
       e.promote_from,
       e.on_failure,
       e.health_url,
       e.protected,
       e.declared_in,
       e.quarantined_at,
       e.quarantine_run,
       e.quarantine_reason,
       e.last_deployment_stopped,
       ARRAY(SELECT w ->> 'cron' FROM jsonb_array_elements(e.freeze_windows) AS w) AS window_crons,
       ARRAY(SELECT w ->> 'time_zone' FROM jsonb_array_elements(e.freeze_windows) AS w) AS window_time_zones,
       ARRAY(SELECT (w ->> 'duration_seconds')::integer FROM jsonb_array_elements(e.freeze_windows) AS w) AS window_seconds,
       ARRAY(SELECT w ->> 'reason' FROM jsonb_array_elements(e.freeze_windows) AS w) AS window_reasons,
       frozen.reason AS freeze_reason,
       frozen.until AS frozen_until,
       frozen.frozen_by,
       frozen_everywhere.reason AS everywhere_freeze_reason,
       frozen_everywhere.until AS everywhere_frozen_until,
       frozen_everywhere.frozen_by AS everywhere_frozen_by,
       (SELECT s.last_success_sha FROM environment s WHERE s.name = e.promote_from) AS promotable_sha,
       false AS has_succeeded
FROM environment e
LEFT JOIN environment_freeze AS frozen
    ON frozen.scope = e.name AND (frozen.until IS NULL OR frozen.until > statement_timestamp())
LEFT JOIN environment_freeze AS frozen_everywhere
    ON frozen_everywhere.scope = '*' AND (frozen_everywhere.until IS NULL OR frozen_everywhere.until > statement_timestamp())
WHERE (:names::text[] IS NULL AND :groups::text[] IS NULL) OR e.name = ANY (:names::text[]) OR e.lock_group = ANY (:groups::text[])
ORDER BY e.name
