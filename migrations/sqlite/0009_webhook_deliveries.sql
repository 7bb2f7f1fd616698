-- Deliveries of events to webhooks. A file of its own (webhooks.db), with schema numbers of its own.
--
-- Bodies hold ids and nothing personal; addresses and secrets of webhooks are elsewhere. Times are milliseconds since
-- 1970. Of the deliveries to one webhook about one subject, `is_head` marks the one of the lowest position that waits:
-- only that one is ever due. `attempts` is a JSON array of the last ones.

CREATE TABLE checkpoint (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO checkpoint (only_row, position) VALUES (1, 0);

CREATE TABLE deliveries (
    id         TEXT    NOT NULL PRIMARY KEY,
    webhook    TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    is_head    INTEGER NOT NULL CHECK (is_head = 0 OR (is_head = 1 AND state = 'waiting')),
    failures   INTEGER NOT NULL,
    since_ms   INTEGER NOT NULL,
    next_ms    INTEGER NOT NULL,
    ended_ms   INTEGER,
    attempts   TEXT    NOT NULL
) STRICT;

CREATE INDEX deliveries_due ON deliveries (next_ms, webhook, position) WHERE is_head = 1;
CREATE INDEX deliveries_in_line ON deliveries (webhook, subject, position) WHERE state = 'waiting';
CREATE INDEX deliveries_by_position ON deliveries (webhook, position);
CREATE INDEX deliveries_by_state ON deliveries (webhook, state, position);
CREATE INDEX deliveries_by_end ON deliveries (state, ended_ms) WHERE ended_ms IS NOT NULL;

-- What a webhook is told once more: events after `scanned_to` up to `until`.
CREATE TABLE replays (
    webhook    TEXT    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    scanned_to INTEGER NOT NULL,
    until      INTEGER NOT NULL
) STRICT;
