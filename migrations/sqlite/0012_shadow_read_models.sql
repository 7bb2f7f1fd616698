-- What stands still, and the sets of rows beside the live ones: what is being folded anew (shadow_…) and what was live
-- before (before_…). The tables of those sets come and go; only those that all projections share are always there.

CREATE TABLE parked_keys (
    projection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    event_type TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (projection, key)
) WITHOUT ROWID;

CREATE TABLE shadow_parked_keys (
    projection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    event_type TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (projection, key)
) WITHOUT ROWID;

CREATE TABLE before_parked_keys (
    projection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    event_type TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (projection, key)
) WITHOUT ROWID;

CREATE TABLE shadow_checkpoints (
    projection TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL CHECK (position >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE before_checkpoints (
    projection TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL CHECK (position >= 0)
) STRICT, WITHOUT ROWID;
