UPDATE environment
SET lock_group = :lockGroup,
    next_lock_group = :nextLockGroup,
    lease_seconds = :leaseSeconds,
    queue_timeout_seconds = :queueTimeoutSeconds,
    max_hold_seconds = :maxHoldSeconds::integer,
    batch_threshold = :batchThreshold,
    batch_window_seconds = :batchWindowSeconds,
    queue_mode = :queueMode,
    cancel_in_progress = :cancelInProgress,
    approvals_required = :approvalsRequired,
    approvers = :approvers::text[],
    approval_timeout_seconds = :approvalTimeoutSeconds,
    promote_from = :promoteFrom,
    on_failure = :onFailure,
    health_url = :healthUrl,
    protected = :protected,
    freeze_windows = (
        SELECT coalesce(jsonb_agg(jsonb_build_object('cron', w.cron, 'time_zone', w.zone, 'duration_seconds', w.seconds, 'reason', w.reason)), '[]')
        FROM unnest(:windowCrons::text[], :windowTimeZones::text[], :windowSeconds::integer[], :windowReasons::text[])
             AS w (cron, zone, seconds, reason)),
    declared_in = :declaredIn
WHERE name = :name
