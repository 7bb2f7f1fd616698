-- Credentials. A file of its own (credentials.db), with schema numbers of its own.
--
-- Ids are their 16 bytes, digests their 32; times are milliseconds since 1970. What can be compared is here as a
-- SHA-256 digest, what must be read back is sealed: nothing in this file lets anybody in.

CREATE TABLE emails (
    digest  BLOB PRIMARY KEY,
    account BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX emails_by_account ON emails (account);

-- A PHC string: algorithm, parameters, salt and hash.
CREATE TABLE passwords (
    account BLOB PRIMARY KEY,
    phc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tickets (
    hash       BLOB PRIMARY KEY,
    account    BLOB    NOT NULL,
    purpose    TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL,
    UNIQUE (account, purpose)
) STRICT, WITHOUT ROWID;

-- `ended`: 0 not, 1 by somebody's wish, 2 because an exchanged token was used again.
CREATE TABLE sessions (
    id           BLOB PRIMARY KEY,
    account      BLOB    NOT NULL,
    started_ms   INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    idle_ms      INTEGER NOT NULL,
    ended        INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1, 2))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account, started_ms);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

-- A token without a successor is its session's current one, and there is never a second one.
CREATE TABLE refresh_tokens (
    hash       BLOB PRIMARY KEY,
    session    BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    successor  BLOB,
    rotated_ms INTEGER,
    CHECK ((successor IS NULL) = (rotated_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session, rotated_ms);
CREATE UNIQUE INDEX refresh_tokens_current ON refresh_tokens (session) WHERE successor IS NULL;

-- `scopes`: their names, with blanks between them.
CREATE TABLE api_keys (
    id           BLOB PRIMARY KEY,
    account      BLOB    NOT NULL,
    tenant       TEXT    NOT NULL,
    secret_hash  BLOB    NOT NULL,
    scopes       TEXT    NOT NULL,
    made_ms      INTEGER NOT NULL,
    expires_ms   INTEGER,
    last_used_ms INTEGER,
    revoked      INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_account ON api_keys (account, made_ms);

-- Where accounts signed in from and keys were used from, by keyed digests. `owner`: the account or the key.
CREATE TABLE addresses (
    owner   BLOB    NOT NULL,
    digest  BLOB    NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    owner  BLOB NOT NULL,
    name   TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

-- The last time step of the second factor that was used.
CREATE TABLE used_steps (
    account BLOB PRIMARY KEY,
    step    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
