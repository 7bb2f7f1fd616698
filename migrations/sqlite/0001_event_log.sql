-- The event log: written once, never changed.
--
-- Ids and digests are text so that a person with sqlite3 can read them. A command's outcome is not
-- stored apart: it is the last of the events that carry its id.

CREATE TABLE log (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    name     TEXT NOT NULL
) STRICT;

CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    stream         TEXT    NOT NULL,
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    event_id       TEXT    NOT NULL UNIQUE,
    event_type     TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    recorded_at    TEXT    NOT NULL,
    tenant         TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    command_id     TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    ordinal        INTEGER NOT NULL,
    causation_id   TEXT,
    correlation_id TEXT    NOT NULL,
    subject_keys   TEXT    NOT NULL,
    artefacts      TEXT    NOT NULL,
    data           TEXT    NOT NULL,
    prev_hash      TEXT    NOT NULL,
    hash           TEXT    NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (tenant, command_id, stream, ordinal)
) STRICT;

CREATE TRIGGER events_are_dense BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN
    SELECT RAISE(ABORT, 'positions have no holes');
END;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;
