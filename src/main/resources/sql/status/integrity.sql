-- Every invariant that stored rows can show to be broken. Each line is one violation: the invariant's number in the design, what is
-- wrong, and where. What constraints forbid is looked for as well: a constraint may have been dropped, an index be corrupt.
SELECT 1 AS invariant, 'lock group ' || c.lock_group || ' has ' || count(*) || ' holders: runs ' || string_agg(c.run_id::text, ', ') AS violation
FROM claim c
JOIN run r ON r.id = c.run_id
WHERE r.status = 'in_progress'
GROUP BY c.lock_group
HAVING count(*) > 1
UNION ALL
SELECT 2, 'fencing token ' || r.fencing_token || ' was given to ' || count(*) || ' runs'
FROM run r
WHERE r.fencing_token IS NOT NULL
GROUP BY r.fencing_token
HAVING count(*) > 1
UNION ALL
SELECT 2, 'lock group ' || g.name || ' says its newest fencing token is ' || g.last_fencing_token || ', but run ' || r.id || ' has ' || r.fencing_token
FROM lock_group g
JOIN claim c ON c.lock_group = g.name AND c.status = 'in_progress'
JOIN run r ON r.id = c.run_id
WHERE r.fencing_token <> g.last_fencing_token
UNION ALL
SELECT 3, 'queued run ' || behind.run_id || ' of lock group ' || behind.lock_group || ' was granted before run ' || ahead.run_id || ' of higher priority or lower id'
FROM claim behind
JOIN run granted ON granted.id = behind.run_id
JOIN claim ahead ON ahead.lock_group = behind.lock_group AND ahead.status = 'queued'
JOIN run waiting ON waiting.id = ahead.run_id
WHERE behind.status = 'in_progress'
  AND (ahead.priority, ahead.run_id) < (behind.priority, behind.run_id)
  AND granted.granted_at > waiting.created_at
  -- Who was held back by people or a policy was passed over rightly, and nobody kept when: whatever was decided about it since the grant
  -- may be the end of that.
  AND waiting.approvals_required = 0
  AND NOT EXISTS (
      SELECT FROM environment e
      WHERE e.name = ANY (waiting.environments) AND (e.quarantined_at IS NOT NULL OR e.freeze_windows <> '[]' OR e.next_lock_group IS NOT NULL))
  AND NOT EXISTS (SELECT FROM environment_freeze f 
      WHERE (f.scope = '*' OR f.scope = ANY (waiting.environments)) AND (f.until IS NULL OR f.until > granted.granted_at))
  AND NOT EXISTS (
      SELECT FROM audit a
      WHERE a.at >= granted.granted_at
        AND (a.run_id = waiting.id OR a.environments && waiting.environments OR a.action IN ('frozen_all', 'unfrozen_all')))
UNION ALL
SELECT 4, 'run ' || r.id || ' is ' || r.status || ' but its claim on lock group ' || c.lock_group || ' is ' || c.status
FROM claim c
JOIN run r ON r.id = c.run_id
WHERE c.status <> r.status OR c.priority <> r.priority
UNION ALL
SELECT 4, 'run ' || r.id || ' is ' || r.status || ' and has no claim'
FROM run r
WHERE r.status IN ('queued', 'in_progress')
  AND NOT EXISTS (SELECT FROM claim c WHERE c.run_id = r.id)
UNION ALL
SELECT 8, 'caller ' || r.caller || ' has ' || count(*) || ' runs with one idempotency key: ' || string_agg(r.id::text, ', ')
FROM run r
WHERE r.idempotency_key IS NOT NULL
GROUP BY r.caller, r.idempotency_key
HAVING count(*) > 1
UNION ALL
SELECT 9, 'run ' || r.id || ' is ' || r.status || ' although it ended at ' || r.completed_at
FROM run r
WHERE r.completed_at IS NOT NULL AND r.status IN ('awaiting_approval', 'queued', 'in_progress')
UNION ALL
SELECT 10, 'run ' || r.id || ' is ' || r.status || ' although its time was up at ' || r.deadline_at
FROM run r
JOIN sweeper ON true
WHERE r.deadline_at < statement_timestamp() - make_interval(secs => 30)
  AND sweeper.last_swept_at > statement_timestamp() - make_interval(secs => 10)
UNION ALL
SELECT 11, 'run ' || r.id || ' ended as ' || r.status || ' without a reason'
FROM run r
WHERE r.completed_at IS NOT NULL AND r.status_reason IS NULL
UNION ALL
SELECT 11, 'run ' || r.id || ' was skipped in favour of no run'
FROM run r
WHERE r.status = 'skipped' AND r.batched_into IS NULL
UNION ALL
SELECT 11, 'skipped run ' || r.id || ' counts on run ' || cover.id || ', which has ended as ' || cover.status
FROM run r
JOIN run cover ON cover.id = r.batched_into
WHERE r.status = 'skipped' AND r.covered AND r.shipped_by IS NULL AND cover.completed_at IS NOT NULL
LIMIT :limit
