-- The page for people: who is logged in, and what was decided about a run.

-- Laid out as Spring Session's repository wants it. A session holds the SHA-256 of the token that opened it, and its id alone opens nothing: the
-- cookie has a MAC besides. Losing these rows in a crash logs people out, and their writes must not wait for a disk.
CREATE UNLOGGED TABLE page_session (
    primary_id            character(36) CONSTRAINT page_session_pkey PRIMARY KEY,
    session_id            character(36) NOT NULL,
    creation_time         bigint        NOT NULL,
    last_access_time      bigint        NOT NULL,
    max_inactive_interval integer       NOT NULL,
    expiry_time           bigint        NOT NULL,
    principal_name        character varying(100)
);
CREATE UNIQUE INDEX page_session_id ON page_session (session_id);
CREATE INDEX page_session_expiry ON page_session (expiry_time);

CREATE UNLOGGED TABLE page_session_attributes (
    session_primary_id character(36)          NOT NULL CONSTRAINT page_session_attributes_session_exists REFERENCES page_session ON DELETE CASCADE,
    attribute_name     character varying(200) NOT NULL,
    attribute_bytes    bytea                  NOT NULL,
    CONSTRAINT page_session_attributes_pkey PRIMARY KEY (session_primary_id, attribute_name)
);

-- The life of one run, as its page tells it.
CREATE INDEX audit_run ON audit (run_id) WHERE run_id IS NOT NULL;
