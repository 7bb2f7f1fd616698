-- Requests by their idempotency keys. A file of its own (requests.db), with schema numbers of its own.
--
-- Of a key, only the SHA-256 digest is kept: clients choose keys, and may write anything into them. A row
-- lives for a day from `begun_ms` (milliseconds since 1970). It is answered when it has a `status`; else it
-- is carried out by the process that opened the file for the `opening`th time, if that one still has it
-- open, and by nobody when `opening` is 0 or another one's.

CREATE TABLE openings (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number   INTEGER NOT NULL
) STRICT;

INSERT INTO openings (only_row, number) VALUES (1, 0);

CREATE TABLE requests (
    tenant      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    command     TEXT    NOT NULL,
    resource    TEXT    NOT NULL,
    begun_ms    INTEGER NOT NULL,
    opening     INTEGER NOT NULL,
    status      INTEGER,
    headers     TEXT,
    body        BLOB,
    PRIMARY KEY (tenant, key)
) STRICT;

CREATE INDEX requests_by_age ON requests (begun_ms);
