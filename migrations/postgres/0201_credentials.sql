-- Credentials, and what all nodes of an installation must share to use them together.
--
-- The runner of migrations makes the schema `dragoman_shared` and puts it into the search path. It stands in the database
-- of the event log, from which nothing here can be folded anew. Times ending in `_ms` are milliseconds since 1970, by the
-- clocks of nodes; `timestamptz` is by the clock of the server. What can be compared is here as a SHA-256 digest, what must be
-- read back is sealed: nothing in this schema lets anybody in.

-- The processes that work with what is here. One that was not seen for its `lease` is taken for dead, and what it had in
-- hand is free. While the server was down nobody could be seen: its start counts as having seen everyone.
CREATE TABLE nodes (
    id      uuid        NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease   interval    NOT NULL,
    CONSTRAINT nodes_pkey PRIMARY KEY (id)
);
CREATE INDEX nodes_by_age ON nodes (seen_at);
COMMENT ON TABLE nodes IS 'The processes that work with what is in this schema.';

CREATE FUNCTION is_alive(node uuid) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM nodes
        WHERE nodes.id = node AND greatest(seen_at, pg_postmaster_start_time()) + lease > clock_timestamp());
END;

-- Changes whose commit may not have been heard of are written down here with themselves, for an hour.
CREATE TABLE changes (
    id      uuid        NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT changes_pkey PRIMARY KEY (id)
);
CREATE INDEX changes_by_age ON changes (made_at);
COMMENT ON TABLE changes IS 'Changes of the last hour, so that one whose answer was lost is not made twice.';

-- Whether what is here was copied from elsewhere and has not been used since (a copy may then be made anew), and whether an
-- installation that kept it in its data folder has brought it here, which is done once.
CREATE TABLE origin (
    only_row  boolean NOT NULL DEFAULT true CHECK (only_row),
    is_copied boolean NOT NULL DEFAULT false,
    took_over boolean NOT NULL DEFAULT false,
    CONSTRAINT origin_pkey PRIMARY KEY (only_row)
);
INSERT INTO origin DEFAULT VALUES;

CREATE TABLE emails (
    digest  bytea NOT NULL,
    account uuid  NOT NULL,
    CONSTRAINT emails_pkey PRIMARY KEY (digest)
);
CREATE INDEX emails_by_account ON emails (account);

CREATE TABLE passwords (
    account uuid             NOT NULL,
    phc     text COLLATE "C" NOT NULL,
    CONSTRAINT passwords_pkey PRIMARY KEY (account)
);
COMMENT ON COLUMN passwords.phc IS 'A PHC string: algorithm, parameters, salt and hash.';

CREATE TABLE tickets (
    hash       bytea            NOT NULL,
    account    uuid             NOT NULL,
    purpose    text COLLATE "C" NOT NULL,
    expires_ms bigint           NOT NULL,
    CONSTRAINT tickets_pkey PRIMARY KEY (hash),
    CONSTRAINT tickets_account_key UNIQUE (account, purpose)
);

CREATE TABLE sessions (
    id           uuid   NOT NULL,
    account      uuid   NOT NULL,
    started_ms   bigint NOT NULL,
    last_used_ms bigint NOT NULL,
    expires_ms   bigint NOT NULL,
    idle_ms      bigint NOT NULL,
    ended        bigint NOT NULL DEFAULT 0 CHECK (ended IN (0, 1, 2)),
    CONSTRAINT sessions_pkey PRIMARY KEY (id)
);
CREATE INDEX sessions_by_account ON sessions (account, started_ms);
CREATE INDEX sessions_by_end ON sessions (expires_ms);
COMMENT ON COLUMN sessions.ended IS '0 not, 1 by somebody''s wish, 2 because an exchanged token was used again.';

CREATE TABLE refresh_tokens (
    hash       bytea NOT NULL,
    session    uuid  NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    successor  bytea,
    rotated_ms bigint,
    CHECK ((successor IS NULL) = (rotated_ms IS NULL)),
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash)
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session, rotated_ms);
CREATE UNIQUE INDEX refresh_tokens_current ON refresh_tokens (session) WHERE successor IS NULL;
COMMENT ON TABLE refresh_tokens IS
    'A token without a successor is its session''s current one, and there is never a second one.';

CREATE TABLE api_keys (
    id           uuid             NOT NULL,
    account      uuid             NOT NULL,
    tenant       text COLLATE "C" NOT NULL,
    secret_hash  bytea            NOT NULL,
    scopes       text COLLATE "C" NOT NULL,
    made_ms      bigint           NOT NULL,
    expires_ms   bigint,
    last_used_ms bigint,
    revoked      bigint           NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id)
);
CREATE INDEX api_keys_by_account ON api_keys (account, made_ms);
COMMENT ON COLUMN api_keys.scopes IS 'Their names, with blanks between them.';

CREATE TABLE addresses (
    owner   uuid   NOT NULL,
    digest  bytea  NOT NULL,
    seen_ms bigint NOT NULL,
    CONSTRAINT addresses_pkey PRIMARY KEY (owner, digest)
);
COMMENT ON TABLE addresses IS 'Where accounts signed in from and keys were used from. `owner`: the account or the key.';

CREATE TABLE secrets (
    owner  uuid             NOT NULL,
    name   text COLLATE "C" NOT NULL,
    sealed bytea            NOT NULL,
    CONSTRAINT secrets_pkey PRIMARY KEY (owner, name)
);
-- What is sealed cannot be made shorter.
ALTER TABLE secrets ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE used_steps (
    account uuid   NOT NULL,
    step    bigint NOT NULL,
    CONSTRAINT used_steps_pkey PRIMARY KEY (account)
);
COMMENT ON TABLE used_steps IS 'The last time step of the second factor that was used.';
