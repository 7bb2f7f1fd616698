-- What was ordered, month by month, by what has a price: quotas are held against it. The index holds all that a month's
-- sums are made from; rows of no tenant hold for all months and are left out.

CREATE TABLE charges (
    thing             TEXT NOT NULL,
    month             TEXT NOT NULL,
    length_ms         INTEGER,
    recognised        BOOLEAN CHECK (recognised IN (0, 1)),
    from_stage        TEXT,
    begun_by          TEXT,
    taken_in          BOOLEAN CHECK (taken_in IN (0, 1)),
    tenant            TEXT,
    source_waits      BOOLEAN CHECK (source_waits IN (0, 1)),
    languages_waiting INTEGER,
    source_ms         INTEGER,
    transcribe_ms     INTEGER,
    translate_ms      INTEGER,
    synthesise_ms     INTEGER,
    finish_ms         INTEGER,
    PRIMARY KEY (thing, month)
) WITHOUT ROWID;

CREATE INDEX charges_by_month
    ON charges (tenant, month, source_ms, transcribe_ms, translate_ms, synthesise_ms, finish_ms)
    WHERE tenant IS NOT NULL;
