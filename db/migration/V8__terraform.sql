-- Terraform's lock and state.
--
-- Safe while the previous version runs: it leaves the new columns empty and does not know the table. Until it is gone, a Terraform run that it
-- ends becomes the environment's last deployment. The run table is not read through for the constraint, since every row that is there has
-- nulls; it is once for the index, which stays empty.

-- A run may stand for the lock of another tool: how the tool calls and describes it, and how long its client may say nothing. Null for
-- deployments.
ALTER TABLE run
    ADD COLUMN foreign_lock_id   text,
    ADD COLUMN foreign_lock_info text,
    ADD COLUMN presence_seconds  integer;
ALTER TABLE run ADD CONSTRAINT run_foreign_lock_is_whole CHECK (
    (foreign_lock_id IS NULL) = (foreign_lock_info IS NULL) AND (foreign_lock_id IS NULL) = (presence_seconds IS NULL)) NOT VALID;
ALTER TABLE run ADD CONSTRAINT run_foreign_lock_is_bounded CHECK (
    char_length(foreign_lock_id) BETWEEN 1 AND 64 AND char_length(foreign_lock_info) <= 8192 AND presence_seconds >= 1) NOT VALID;
CREATE INDEX run_foreign_lock ON run (foreign_lock_id, id) WHERE foreign_lock_id IS NOT NULL;

-- As before, and says which runs are no deployments.
CREATE OR REPLACE FUNCTION run_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
        INSERT INTO event (type, environments, run_id, data)
        VALUES (CASE NEW.status
                    WHEN 'in_progress' THEN 'granted'
                    WHEN 'success' THEN 'released'
                    WHEN 'failure' THEN 'released'
                    WHEN 'cancelled' THEN CASE WHEN NEW.picked_up_at IS NULL THEN 'cancelled' ELSE 'released' END
                    WHEN 'preempted' THEN 'force_released'
                    ELSE NEW.status
                END,
                NEW.environments, NEW.id,
                jsonb_strip_nulls(jsonb_build_object(
                    'status', NEW.status, 'reason', coalesce(NEW.status_reason, NEW.reason), 'user', NEW.user_name, 'title', NEW.title,
                    'sha', NEW.sha, 'run_url', NEW.run_url, 'fencing_token', NEW.fencing_token, 'batched_into', NEW.batched_into,
                    'covered', NEW.covered, 'superseded_by', NEW.superseded_by,
                    -- Who reads that a run was released must not take it for a deployment.
                    'deployment', CASE WHEN NEW.foreign_lock_id IS NOT NULL THEN false END)));
    ELSE
        INSERT INTO event (type, environments, run_id, data)
        SELECT changed.type, NEW.environments, NEW.id, changed.data
        FROM (VALUES
            ('cancel_requested', NEW.cancel_requested_at IS NOT NULL AND OLD.cancel_requested_at IS NULL,
                jsonb_build_object('cause', NEW.cancel_cause, 'reason', NEW.cancel_reason)),
            ('shipped', NEW.shipped_by IS NOT NULL AND OLD.shipped_by IS NULL,
                jsonb_build_object('shipped_by', NEW.shipped_by, 'sha', NEW.sha)),
            ('undeployed', OLD.covered AND NOT NEW.covered,
                jsonb_build_object('sha', NEW.sha))
        ) AS changed (type, happened, data)
        WHERE changed.happened;
    END IF;
    RETURN NULL;
END $$;

-- The last versions of each environment's state. The content is compressed and encrypted, and so is all that could tell something of it: what
-- is beside it is for people, and secret to nobody.
CREATE TABLE terraform_state (
    environment       text        NOT NULL CONSTRAINT terraform_state_environment_exists REFERENCES environment ON DELETE CASCADE,
    version           bigint      NOT NULL CONSTRAINT terraform_state_version_is_positive CHECK (version > 0),
    written_at        timestamptz NOT NULL,
    written_by        text        NOT NULL,
    -- No foreign key: runs are deleted by age, and states by number.
    run_id            bigint,
    lock_id           text,
    restored_from     bigint,
    serial            bigint,
    lineage           text,
    terraform_version text,
    size_bytes        integer,
    -- Which key the content is encrypted with; null, like all about the content, where the state was deleted.
    key_id            text,
    -- A MAC of the state, so that a repetition is recognised.
    mac               bytea,
    content           bytea,
    CONSTRAINT terraform_state_pkey PRIMARY KEY (environment, version),
    CONSTRAINT terraform_state_is_whole CHECK (num_nulls(serial, lineage, size_bytes, key_id, mac, content) IN (0, 6))
);
-- It is compressed already.
ALTER TABLE terraform_state ALTER COLUMN content SET STORAGE EXTERNAL;
