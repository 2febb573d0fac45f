-- Policy of environments, and what people do: approvals, freezes, quarantine, promotion, forced releases; the audit trail and the events.

ALTER TABLE environment
    -- The policy. What is not said has the default; docs/policy.md is the table of all keys.
    ADD COLUMN lease_seconds            integer  NOT NULL DEFAULT 1800 CONSTRAINT environment_lease_in_range CHECK (lease_seconds BETWEEN 5 AND 86400),
    ADD COLUMN queue_timeout_seconds    integer  NOT NULL DEFAULT 3600 CONSTRAINT environment_queue_timeout_in_range CHECK (queue_timeout_seconds BETWEEN 1 AND 604800),
    ADD COLUMN max_hold_seconds         integer  CONSTRAINT environment_max_hold_in_range CHECK (max_hold_seconds BETWEEN 1 AND 604800),
    ADD COLUMN batch_threshold          integer  NOT NULL DEFAULT 3 CONSTRAINT environment_batch_threshold_in_range CHECK (batch_threshold BETWEEN 0 AND 1000),
    ADD COLUMN batch_window_seconds     integer  NOT NULL DEFAULT 0 CONSTRAINT environment_batch_window_in_range CHECK (batch_window_seconds BETWEEN 0 AND 86400),
    ADD COLUMN queue_mode               text     NOT NULL DEFAULT 'fifo' CONSTRAINT environment_queue_mode_is_known CHECK (queue_mode IN ('fifo', 'latest_only')),
    ADD COLUMN cancel_in_progress       boolean  NOT NULL DEFAULT false,
    ADD COLUMN approvals_required       smallint NOT NULL DEFAULT 0 CONSTRAINT environment_approvals_in_range CHECK (approvals_required BETWEEN 0 AND 10),
    ADD COLUMN approvers                text[]   NOT NULL DEFAULT '{}',
    ADD COLUMN approval_timeout_seconds integer  NOT NULL DEFAULT 86400 CONSTRAINT environment_approval_timeout_in_range CHECK (approval_timeout_seconds BETWEEN 1 AND 2592000),
    -- No foreign key: the policy may be declared before the first run of the environment that it names.
    ADD COLUMN promote_from             text     CONSTRAINT environment_promotes_from_another CHECK (promote_from <> name),
    ADD COLUMN on_failure               text     NOT NULL DEFAULT 'continue' CONSTRAINT environment_on_failure_is_known CHECK (on_failure IN ('continue', 'quarantine')),
    ADD COLUMN health_url               text,
    ADD COLUMN protected                boolean  NOT NULL DEFAULT false,
    -- An array of {"cron", "time_zone", "duration_seconds", "reason"}.
    ADD COLUMN freeze_windows           jsonb    NOT NULL DEFAULT '[]',
    -- Who says what the policy is; null for an environment that an acquire made.
    ADD COLUMN declared_in              text     CONSTRAINT environment_declared_in_is_known CHECK (declared_in IN ('configuration', 'api')),
    -- What was last deployed here with success: what may be promoted from here.
    ADD COLUMN last_success_sha         text,
    -- Whether the last deployment was stopped in favour of a newer run; the next one is not, so that some come to their end.
    ADD COLUMN last_deployment_stopped  boolean  NOT NULL DEFAULT false,
    ADD COLUMN quarantined_at           timestamptz,
    ADD COLUMN quarantine_run           bigint   CONSTRAINT environment_quarantine_run_exists REFERENCES run ON DELETE SET NULL,
    ADD COLUMN quarantine_reason        text,
    ADD CONSTRAINT environment_quarantine_is_whole CHECK ((quarantined_at IS NULL) = (quarantine_reason IS NULL));

-- Every sha that was deployed with success, so that a rollback is found however old it is.
CREATE TABLE deployed_sha (
    environment text        NOT NULL CONSTRAINT deployed_sha_environment_exists REFERENCES environment ON DELETE CASCADE,
    sha         text        NOT NULL,
    deployed_at timestamptz NOT NULL,
    CONSTRAINT deployed_sha_pkey PRIMARY KEY (environment, sha)
);

ALTER TABLE run
    ADD COLUMN queue_timeout_seconds integer  NOT NULL DEFAULT 3600,
    ADD COLUMN approvals_required    smallint NOT NULL DEFAULT 0,
    ADD COLUMN approval_expires_at   timestamptz,
    -- High priority, asked for by an admin who says why: freezes do not hold it back.
    ADD COLUMN passes_freeze         boolean  NOT NULL DEFAULT false,
    ADD COLUMN superseded_by         bigint   CONSTRAINT run_superseder_exists REFERENCES run,
    ADD COLUMN skip_reason           text     CONSTRAINT run_skip_reason_is_known CHECK (skip_reason IN ('batch-threshold', 'batch-window')),
    ADD COLUMN cancel_cause          text     CONSTRAINT run_cancel_cause_is_known CHECK (cancel_cause IN ('client', 'admin', 'newer', 'max-hold')),
    ADD COLUMN cancel_reason         text,
    -- The limit of the environment's max_hold_seconds: at the first instant the run is asked to stop, at the second it ends.
    ADD COLUMN hold_expires_at       timestamptz,
    ADD COLUMN hold_ends_at          timestamptz;

UPDATE run SET skip_reason = 'batch-threshold' WHERE status = 'skipped';

ALTER TABLE run
    DROP COLUMN deadline_at,
    ADD COLUMN deadline_at timestamptz GENERATED ALWAYS AS (
        CASE status
            WHEN 'awaiting_approval' THEN approval_expires_at
            WHEN 'queued' THEN LEAST(queue_expires_at, presence_expires_at)
            WHEN 'in_progress' THEN LEAST(lease_expires_at, CASE WHEN cancel_requested_at IS NULL THEN hold_expires_at ELSE hold_ends_at END)
        END) STORED,
    ADD CONSTRAINT run_awaiting_approval_has_a_deadline CHECK (status <> 'awaiting_approval' OR approval_expires_at IS NOT NULL),
    ADD CONSTRAINT run_superseded_names_its_superseder CHECK ((status = 'superseded') = (superseded_by IS NOT NULL)),
    ADD CONSTRAINT run_skip_says_why CHECK ((status = 'skipped') = (skip_reason IS NOT NULL)),
    ADD CONSTRAINT run_hold_is_whole CHECK ((hold_expires_at IS NULL) = (hold_ends_at IS NULL));

CREATE INDEX run_deadline ON run (deadline_at) WHERE deadline_at IS NOT NULL;
-- History by status, and what a deletion of old runs has to look up.
CREATE INDEX run_ended ON run (status, id) WHERE completed_at IS NOT NULL;
CREATE INDEX run_completed ON run (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX run_shipped_by ON run (shipped_by) WHERE shipped_by IS NOT NULL;
CREATE INDEX run_superseded_by ON run (superseded_by) WHERE superseded_by IS NOT NULL;

-- The queue and the history of each environment. Several share a lock group, and one that is frozen must not hide what waits behind it.
ALTER TABLE run_environment
    ADD COLUMN status   text,
    ADD COLUMN priority smallint;
UPDATE run_environment l SET status = r.status, priority = r.priority FROM run r WHERE r.id = l.run_id;
ALTER TABLE run_environment
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN priority SET NOT NULL,
    DROP CONSTRAINT run_environment_run_exists,
    ADD CONSTRAINT run_environment_follows_its_run FOREIGN KEY (run_id, status, priority) REFERENCES run (id, status, priority)
        ON UPDATE CASCADE ON DELETE CASCADE;
CREATE INDEX run_environment_queue ON run_environment (environment, priority, run_id) WHERE status = 'queued';
CREATE INDEX run_environment_history ON run_environment (environment, status, run_id);

-- One for each environment, and one for all of them ('*', which is no environment's name).
CREATE TABLE environment_freeze (
    scope     text        CONSTRAINT environment_freeze_pkey PRIMARY KEY
                          CONSTRAINT environment_freeze_scope_is_valid CHECK (scope = '*' OR scope ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    reason    text        NOT NULL CONSTRAINT environment_freeze_has_a_reason CHECK (reason <> ''),
    until     timestamptz,
    frozen_by text        NOT NULL,
    frozen_at timestamptz NOT NULL
);

CREATE TABLE approval (
    run_id   bigint      NOT NULL CONSTRAINT approval_run_exists REFERENCES run ON DELETE CASCADE,
    approver text        NOT NULL,
    comment  text,
    at       timestamptz NOT NULL,
    CONSTRAINT approval_pkey PRIMARY KEY (run_id, approver)
);

-- The first of the two admins that a forced release of a protected environment takes.
CREATE TABLE force_release_request (
    environment   text        CONSTRAINT force_release_request_pkey PRIMARY KEY
                              CONSTRAINT force_release_request_environment_exists REFERENCES environment ON DELETE CASCADE,
    fencing_token bigint      NOT NULL,
    requested_by  text        NOT NULL,
    reason        text        NOT NULL,
    expires_at    timestamptz NOT NULL
);

-- What the environment itself says, as some replica heard it last.
CREATE TABLE environment_health (
    environment text        CONSTRAINT environment_health_pkey PRIMARY KEY
                            CONSTRAINT environment_health_environment_exists REFERENCES environment ON DELETE CASCADE,
    status      text        NOT NULL CONSTRAINT environment_health_status_is_known CHECK (status IN ('healthy', 'degraded', 'unhealthy')),
    detail      text        NOT NULL,
    checked_at  timestamptz NOT NULL
);

-- Who did what, when and why: written in the transaction that does it.
CREATE TABLE audit (
    id           bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_pkey PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    action       text        NOT NULL,
    environments text[]      NOT NULL,
    run_id       bigint,
    reason       text,
    before       jsonb       NOT NULL DEFAULT '{}',
    after        jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_at ON audit (at);

CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the retention job may delete, and says so for its transaction.
    IF TG_OP = 'DELETE' AND current_setting('lockkeeper.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_is_append_only', TABLE = 'audit';
END $$;
CREATE TRIGGER audit_guard BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard();

-- Every change, for whoever follows along. Transactions commit in another order than they draw numbers, so a reader goes by
-- (transaction, id) and reads only what is below the oldest transaction still under way: then it misses nothing and all replicas
-- tell the same in the same order.
CREATE TABLE event (
    transaction  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL DEFAULT statement_timestamp(),
    type         text        NOT NULL,
    environments text[]      NOT NULL,
    run_id       bigint,
    data         jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT event_pkey PRIMARY KEY (transaction, id)
);
CREATE INDEX event_at ON event (at);

-- No transition can forget its events: they come from the rows that it writes.
CREATE FUNCTION run_event() RETURNS trigger LANGUAGE plpgsql AS $$
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
                    'covered', NEW.covered, 'superseded_by', NEW.superseded_by)));
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
CREATE TRIGGER run_event_on_insert AFTER INSERT ON run FOR EACH ROW EXECUTE FUNCTION run_event();
CREATE TRIGGER run_event_on_update AFTER UPDATE OF status, cancel_requested_at, shipped_by, covered ON run
    FOR EACH ROW
    WHEN (NEW.status <> OLD.status OR NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
          OR NEW.shipped_by IS DISTINCT FROM OLD.shipped_by OR NEW.covered IS DISTINCT FROM OLD.covered)
    EXECUTE FUNCTION run_event();

CREATE FUNCTION audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (at, type, environments, run_id, data)
    VALUES (NEW.at, NEW.action, NEW.environments, NEW.run_id,
            jsonb_strip_nulls(jsonb_build_object('actor', NEW.actor, 'reason', NEW.reason, 'after', NEW.after)));
    RETURN NULL;
END $$;
CREATE TRIGGER audit_event AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_event();
