INSERT INTO environment_freeze (scope, reason, until, frozen_by, frozen_at)
VALUES (:scope, :reason, :until::timestamptz, :by, :at::timestamptz)
ON CONFLICT (scope) DO UPDATE
SET reason = EXCLUDED.reason, until = EXCLUDED.until, frozen_by = EXCLUDED.frozen_by, frozen_at = EXCLUDED.frozen_at
