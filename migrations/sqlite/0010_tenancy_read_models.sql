-- Read models of tenants, accounts, webhooks and security events. They begin empty and are folded from the log.

CREATE TABLE tenants (
    tenant_id           TEXT NOT NULL PRIMARY KEY,
    tenant              TEXT,
    revision            INTEGER,
    running_jobs_max    INTEGER,
    minutes_a_month_max INTEGER,
    bytes_a_month_max   INTEGER,
    spend_a_month_max   INTEGER,
    created_at          TEXT,
    updated_at          TEXT
) WITHOUT ROWID;

CREATE TABLE accounts (
    account_id    TEXT NOT NULL PRIMARY KEY,
    tenant        TEXT,
    revision      INTEGER,
    state         TEXT,
    was           TEXT,
    origin        TEXT,
    role          TEXT,
    second_factor BOOLEAN CHECK (second_factor IN (0, 1)),
    keys          INTEGER,
    created_at    TEXT,
    signed_in_at  TEXT,
    updated_at    TEXT
) WITHOUT ROWID;

CREATE INDEX accounts_by_creation ON accounts (tenant, created_at);

CREATE TABLE webhooks (
    webhook_id TEXT NOT NULL PRIMARY KEY,
    tenant     TEXT,
    revision   INTEGER,
    state      TEXT,
    why        TEXT,
    events     TEXT,
    since      INTEGER,
    created_at TEXT,
    updated_at TEXT
) WITHOUT ROWID;

CREATE INDEX webhooks_by_creation ON webhooks (tenant, created_at);

CREATE TABLE security_events (
    position    INTEGER NOT NULL PRIMARY KEY,
    tenant      TEXT,
    type        TEXT,
    account     TEXT,
    key         TEXT,
    actor       TEXT,
    stream      TEXT,
    revision    INTEGER,
    recorded_at TEXT
) WITHOUT ROWID;

CREATE INDEX security_events_by_tenant ON security_events (tenant, position);
CREATE INDEX security_events_by_type ON security_events (tenant, type, position);
CREATE INDEX security_events_by_account ON security_events (tenant, account, position);
