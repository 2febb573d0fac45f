INSERT INTO approval (run_id, approver, comment, at) VALUES (:run, :approver, :comment, :at::timestamptz)
