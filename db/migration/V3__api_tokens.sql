-- Tokens for people, pipelines and monitors. The admin token that every service has from its start is not in here: it must work when
-- this table cannot be read.
--
-- Safe while the previous version runs: it does not know the table.

CREATE TABLE api_token (
    id           bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT api_token_pkey PRIMARY KEY,
    -- Who the bearer is: in the audit trail, as an approver, and as the owner of idempotency keys.
    name         text        NOT NULL CONSTRAINT api_token_name_has_a_length CHECK (char_length(name) BETWEEN 1 AND 100)
                             CONSTRAINT api_token_name_is_not_reserved CHECK (lower(name) <> 'admin'),
    role         text        NOT NULL CONSTRAINT api_token_role_is_known CHECK (role IN ('view', 'deploy', 'admin')),
    -- Patterns: '*' stands for any characters. No foreign key, since they also mean environments to come.
    environments text[]      NOT NULL CONSTRAINT api_token_names_environments CHECK (cardinality(environments) BETWEEN 1 AND 32)
                             CONSTRAINT api_token_environments_are_valid CHECK (
                                 array_position(environments, NULL) IS NULL
                                 AND array_to_string(environments, ',')
                                     ~ '^[a-z0-9*]([a-z0-9._*-]{0,62}[a-z0-9*])?(,[a-z0-9*]([a-z0-9._*-]{0,62}[a-z0-9*])?)*$'),
    -- SHA-256 of the token. A password wants a slow, salted hash because people choose it from few; this one is 32 random bytes, of which
    -- 2^256 exist, so guessing is hopeless at any speed, a salt would make no two of them more different, and a slow hash would be paid
    -- for by every request. Without a salt the hash can be looked up by this constraint's index.
    token_hash   bytea       NOT NULL CONSTRAINT api_token_hash_is_unique UNIQUE
                             CONSTRAINT api_token_hash_is_sha_256 CHECK (octet_length(token_hash) = 32),
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL,
    expires_at   timestamptz CONSTRAINT api_token_expires_after_its_creation CHECK (expires_at > created_at),
    -- To the minute: see ApiTokens.
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- One live token of a name. An index cannot know the time, so an expired one counts until it is revoked, which making a token of its
-- name does.
CREATE UNIQUE INDEX api_token_live_name ON api_token (name) WHERE revoked_at IS NULL;
