WITH inserted AS (
    INSERT INTO run (
        environments, status, status_reason, priority, coverage, lease_seconds,
        created_at, granted_at, picked_up_at, completed_at, last_contact_at,
        queue_timeout_seconds, queue_expires_at, presence_expires_at, lease_expires_at, hold_expires_at, hold_ends_at, fencing_token,
        approvals_required, approval_expires_at, passes_freeze,
        lock_token_nonce, lock_token_digest, caller, idempotency_key, request_digest,
        batch_key, batched_into, covered, skip_reason,
        sha, ref, repository, title, tier, reason, user_name, hostname, pid, command, source, run_url, trusted,
        foreign_lock_id, foreign_lock_info, presence_seconds)
    SELECT :environments::text[], :status, :statusReason, :priority::smallint, :coverage, :leaseSeconds,
           :at::timestamptz, starts.at, starts.at, CASE WHEN :status = 'skipped' THEN :at::timestamptz END, :at::timestamptz,
           :queueSeconds,
           :at::timestamptz + make_interval(secs => :queueSeconds),
           :at::timestamptz + make_interval(secs => coalesce(:ownPresenceSeconds::integer, :presenceSeconds)),
           LEAST(starts.at + make_interval(secs => :leaseSeconds), :holdEndsAt::timestamptz),
           :holdExpiresAt::timestamptz, :holdEndsAt::timestamptz,
           CASE WHEN starts.at IS NOT NULL THEN nextval('fencing_token') END,
           :approvalsRequired, CASE WHEN :status = 'awaiting_approval' THEN :at::timestamptz + make_interval(secs => :approvalSeconds) END,
           :passesFreeze,
           :nonce, :digest, :caller, :idempotencyKey, :requestDigest,
           :batchKey, :batchedInto::bigint, :covered::boolean, :skipReason,
           :sha, :ref, :repository, :title, :tier, :reason, :user, :hostname, :pid::integer, :command, :source, :runUrl, :trusted::text[],
           :foreignLockId, :foreignLockInfo, :ownPresenceSeconds::integer
    FROM (SELECT CASE WHEN :status = 'in_progress' THEN :at::timestamptz END AS at) AS starts
    RETURNING *
),
listed AS (
    INSERT INTO run_environment (environment, run_id, status, priority)
    SELECT unnest(environments), id, status, priority FROM inserted
),
claimed AS (
    INSERT INTO claim (run_id, lock_group, status, priority)
    SELECT inserted.id, g.name, inserted.status, inserted.priority
    FROM inserted
    CROSS JOIN unnest(:claims::text[]) AS g (name)
)
SELECT inserted.*, :claims::text[] AS lock_groups, true AS is_new
FROM inserted
