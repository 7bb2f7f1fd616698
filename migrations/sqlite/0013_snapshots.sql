-- Snapshots: states of long streams, so that they need not be folded from the beginning. A file of its own
-- (snapshots.db), with schema numbers of its own. Losing it costs time and nothing else.
--
-- `state` is sealed under the key of the stream's subject, and bound to the rest of its row: when that key is destroyed,
-- nobody can open it. A stream's snapshot takes the place of the one before.

CREATE TABLE snapshots (
    stream      TEXT    NOT NULL PRIMARY KEY,
    version     INTEGER NOT NULL,
    revision    INTEGER NOT NULL CHECK (revision >= 0),
    hash        TEXT    NOT NULL,
    tenant      TEXT    NOT NULL,
    traceparent TEXT,
    state       BLOB    NOT NULL
) STRICT;
