-- The queue, the locks and their history.
--
-- What must never be wrong is said here as constraints, named so that their names explain themselves in an error log:
--   one holder per lock group ................ claim_one_holder            (invariant 1)
--   fencing tokens are unique and only grow ... run_fencing_token_is_unique, claim_fencing_token_grows (invariant 2)
--   all claims of a run share its status ...... claim_follows_its_run       (invariant 4)
--   an ended run is final .................... run_ended_is_final          (invariant 9)
--   every end has a reason, every skip a cover  run_ends_with_a_reason, run_skip_names_its_cover (invariant 11)

CREATE TABLE lock_group (
    name               text   CONSTRAINT lock_group_pkey PRIMARY KEY
                              CONSTRAINT lock_group_name_is_valid CHECK (name ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    -- The newest grant of this group. It outlives the runs themselves, so that a token is not used again after old runs are deleted.
    last_fencing_token bigint NOT NULL DEFAULT 0
);

CREATE TABLE environment (
    name                text        CONSTRAINT environment_pkey PRIMARY KEY
                                    CONSTRAINT environment_name_is_valid CHECK (name ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    lock_group          text        NOT NULL CONSTRAINT environment_lock_group_exists REFERENCES lock_group,
    created_at          timestamptz NOT NULL,
    -- The last run that held this environment's lock and has ended; found without searching the history.
    last_deployment_run bigint
);

CREATE INDEX environment_lock_group ON environment (lock_group);

-- Drawn while the lock groups of the grant are locked, so that it grows within each group. CACHE 1: a cached block would be
-- handed out by one session while another had already drawn higher numbers.
CREATE SEQUENCE fencing_token AS bigint CACHE 1;

CREATE TABLE run (
    id                  bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT run_pkey PRIMARY KEY,
    environments        text[]      NOT NULL CONSTRAINT run_names_environments CHECK (cardinality(environments) BETWEEN 1 AND 32),
    status              text        NOT NULL CONSTRAINT run_status_is_known CHECK (status IN (
                                        'awaiting_approval', 'queued', 'in_progress', 'success', 'failure', 'cancelled', 'timed_out',
                                        'abandoned', 'expired', 'preempted', 'rejected', 'superseded', 'skipped')),
    status_reason       text,
    priority            smallint    NOT NULL CONSTRAINT run_priority_is_known CHECK (priority IN (0, 1)), -- 0 high, 1 normal: the queue's order
    coverage            text        NOT NULL CONSTRAINT run_coverage_is_known CHECK (coverage IN ('pinned', 'latest')),
    lease_seconds       integer     NOT NULL CONSTRAINT run_lease_in_range CHECK (lease_seconds BETWEEN 5 AND 86400),

    created_at          timestamptz NOT NULL,
    granted_at          timestamptz,
    picked_up_at        timestamptz,
    completed_at        timestamptz,
    last_contact_at     timestamptz NOT NULL,
    cancel_requested_at timestamptz,

    -- Each deadline counts only in the status it belongs to; the sweeper looks for the one that does.
    queue_expires_at    timestamptz,
    presence_expires_at timestamptz,
    lease_expires_at    timestamptz,
    deadline_at         timestamptz GENERATED ALWAYS AS (
                            CASE status
                                WHEN 'queued' THEN LEAST(queue_expires_at, presence_expires_at)
                                WHEN 'in_progress' THEN lease_expires_at
                            END) STORED,

    fencing_token       bigint      CONSTRAINT run_fencing_token_is_unique UNIQUE,
    -- The lock token is derived from the nonce with a key that is not in the database; the digest is enough to check one.
    lock_token_nonce    uuid        NOT NULL,
    lock_token_digest   bytea       NOT NULL,

    caller              text        NOT NULL,
    idempotency_key     text,
    request_digest      bytea       NOT NULL,

    -- SHA-256 of environments, repository and ref: runs that agree in it can cover each other.
    batch_key           bytea       NOT NULL,
    batched_into        bigint      CONSTRAINT run_cover_exists REFERENCES run,
    covered             boolean,
    shipped_by          bigint      CONSTRAINT run_shipper_exists REFERENCES run,
    -- What the release said, also when it came too late to count.
    reported_status     text        CONSTRAINT run_report_is_known CHECK (reported_status IN ('success', 'failure', 'cancelled')),
    deployed_sha        text,

    sha                 text,
    ref                 text,
    repository          text,
    title               text,
    tier                text,
    reason              text,
    user_name           text,
    hostname            text,
    pid                 integer,
    command             text,
    source              text,
    run_url             text,

    CONSTRAINT run_identity UNIQUE (id, status, priority), -- what claims follow
    CONSTRAINT run_queued_has_deadlines CHECK (status <> 'queued' OR (queue_expires_at IS NOT NULL AND presence_expires_at IS NOT NULL)),
    CONSTRAINT run_never_granted_while_waiting CHECK (status NOT IN ('queued', 'awaiting_approval', 'skipped') OR fencing_token IS NULL),
    CONSTRAINT run_granted_is_whole CHECK ((fencing_token IS NULL) = (granted_at IS NULL) AND (granted_at IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT run_in_progress_has_a_grant CHECK (status <> 'in_progress' OR fencing_token IS NOT NULL),
    CONSTRAINT run_ended_has_a_time CHECK ((completed_at IS NOT NULL) = (status NOT IN ('awaiting_approval', 'queued', 'in_progress'))),
    CONSTRAINT run_ends_with_a_reason CHECK (completed_at IS NULL OR status_reason IS NOT NULL),
    CONSTRAINT run_skip_names_its_cover CHECK (status <> 'skipped' OR (batched_into IS NOT NULL AND covered IS NOT NULL)),
    CONSTRAINT run_only_skips_are_batched CHECK (status = 'skipped' OR (batched_into IS NULL AND covered IS NULL AND shipped_by IS NULL))
);

ALTER TABLE environment
    ADD CONSTRAINT environment_last_deployment_exists FOREIGN KEY (last_deployment_run) REFERENCES run ON DELETE SET NULL;

-- Invariant 8: one run for each key of a caller. A concurrent request with the same key waits here for the first one's commit.
CREATE UNIQUE INDEX run_idempotency_key ON run (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- Pending runs are few and ended ones many: each search of the hot path has a partial index of its own.
CREATE INDEX run_deadline ON run (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX run_queued_by_batch_key ON run (batch_key, id) WHERE status = 'queued';
CREATE INDEX run_successor ON run (batch_key, priority, id) WHERE status = 'queued' AND coverage = 'latest';
CREATE INDEX run_batched_into ON run (batched_into) WHERE batched_into IS NOT NULL;
CREATE INDEX run_undeployed ON run USING gin (environments) WHERE status = 'skipped' AND NOT covered AND shipped_by IS NULL;
CREATE INDEX run_skipped_sha ON run (sha) WHERE status = 'skipped' AND shipped_by IS NULL;

-- The runs of one environment in order of id: what no index on the array could give.
CREATE TABLE run_environment (
    environment text   NOT NULL CONSTRAINT run_environment_exists REFERENCES environment,
    run_id      bigint NOT NULL CONSTRAINT run_environment_run_exists REFERENCES run ON DELETE CASCADE,
    CONSTRAINT run_environment_pkey PRIMARY KEY (environment, run_id)
);
CREATE INDEX run_environment_run ON run_environment (run_id);

-- A run's place in one lock group. Status and priority are the run's own and cascade from it: a run over several groups is therefore
-- granted in all of them or in none, whatever the code does.
CREATE TABLE claim (
    run_id     bigint   NOT NULL,
    lock_group text     NOT NULL CONSTRAINT claim_lock_group_exists REFERENCES lock_group,
    status     text     NOT NULL,
    priority   smallint NOT NULL,
    CONSTRAINT claim_pkey PRIMARY KEY (run_id, lock_group),
    CONSTRAINT claim_follows_its_run FOREIGN KEY (run_id, status, priority) REFERENCES run (id, status, priority)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE UNIQUE INDEX claim_one_holder ON claim (lock_group) WHERE status = 'in_progress';
CREATE INDEX claim_queue ON claim (lock_group, priority, run_id) WHERE status = 'queued';
-- The last successes of a group, for estimates.
CREATE INDEX claim_success ON claim (lock_group, run_id) WHERE status = 'success';

-- One row: when the sweeper last finished. A gap means that no replica was there to hear the waiting clients (see Planner, "outage").
CREATE TABLE sweeper (
    only_row      boolean     CONSTRAINT sweeper_pkey PRIMARY KEY DEFAULT true CONSTRAINT sweeper_has_one_row CHECK (only_row),
    last_swept_at timestamptz NOT NULL
);
INSERT INTO sweeper (last_swept_at) VALUES (statement_timestamp());

CREATE FUNCTION run_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.completed_at IS NOT NULL AND (NEW.status, NEW.completed_at) IS DISTINCT FROM (OLD.status, OLD.completed_at) THEN
        RAISE EXCEPTION 'run % has ended as % and cannot become %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'run_ended_is_final', TABLE = 'run';
    END IF;
    IF OLD.fencing_token IS NOT NULL AND NEW.fencing_token IS DISTINCT FROM OLD.fencing_token THEN
        RAISE EXCEPTION 'run % was granted with fencing token % and cannot change it to %', OLD.id, OLD.fencing_token, NEW.fencing_token
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'run_fencing_token_is_final', TABLE = 'run';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER run_guard BEFORE UPDATE OF status, completed_at, fencing_token ON run FOR EACH ROW EXECUTE FUNCTION run_guard();

CREATE FUNCTION claim_granted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    token bigint := (SELECT fencing_token FROM run WHERE id = NEW.run_id);
BEGIN
    UPDATE lock_group SET last_fencing_token = token WHERE name = NEW.lock_group AND last_fencing_token < token;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'fencing token % of run % is not above the last one of lock group %', token, NEW.run_id, NEW.lock_group
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_fencing_token_grows', TABLE = 'claim';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER claim_granted_on_insert AFTER INSERT ON claim
    FOR EACH ROW WHEN (NEW.status = 'in_progress') EXECUTE FUNCTION claim_granted();
CREATE TRIGGER claim_granted_on_update AFTER UPDATE OF status ON claim
    FOR EACH ROW WHEN (NEW.status = 'in_progress' AND OLD.status <> 'in_progress') EXECUTE FUNCTION claim_granted();

-- The lock groups that a transition is about: those of the named environments (an environment not yet known has a group of its own name),
-- those in which the run has claims, and those named themselves.
CREATE FUNCTION groups_of(environments text[], run bigint, groups text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT coalesce(e.lock_group, named.name)
    FROM unnest(environments) AS named (name)
    LEFT JOIN environment e ON e.name = named.name
    UNION
    SELECT c.lock_group FROM claim c WHERE c.run_id = run
    UNION
    SELECT g.name FROM unnest(groups) AS g (name)
$$;

-- The key of a group's advisory lock. Two groups with the same key (one chance in 2^64) would only wait for each other.
CREATE FUNCTION group_lock_key(lock_group text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('lockkeeper lock group ' || lock_group, 0)
$$;

-- Fails the transaction when a write met another number of rows than its plan said: the plan's snapshot was not the truth.
CREATE FUNCTION expect_rows(expected bigint, actual bigint, what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF expected <> actual THEN
        RAISE EXCEPTION '% met % rows instead of %', what, actual, expected USING ERRCODE = 'LK001';
    END IF;
    RETURN true;
END $$;
