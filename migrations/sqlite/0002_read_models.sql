-- Read models: what projections fold the event log into. Everything here can be folded anew.
--
-- A file of its own (read.db), with schema numbers of its own. A change of a fold or of a table comes
-- with a migration that makes the table anew and forgets its projection's checkpoint. Column types
-- matter: what is declared BOOLEAN comes back as true or false. (STRICT tables know no such type.)

CREATE TABLE checkpoints (
    projection TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL CHECK (position >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    job_id            TEXT NOT NULL PRIMARY KEY,
    tenant            TEXT,
    state             TEXT,
    phase             TEXT,
    paused            TEXT,
    paused_code       TEXT,
    failure_code      TEXT,
    identity          TEXT,
    source_sha256     TEXT,
    source_media_type TEXT,
    source_bytes      INTEGER,
    source_language   TEXT,
    language_assumed  BOOLEAN CHECK (language_assumed IN (0, 1)),
    transcript        TEXT,
    container         TEXT,
    duration_ms       INTEGER,
    width             INTEGER,
    height            INTEGER,
    languages         TEXT,
    started_at        TEXT,
    updated_at        TEXT,
    ended_at          TEXT
) WITHOUT ROWID;

CREATE INDEX jobs_by_identity ON jobs (identity);

CREATE TABLE tracks (
    job_id               TEXT NOT NULL,
    language             TEXT NOT NULL,
    state                TEXT,
    phase                TEXT,
    paused               BOOLEAN CHECK (paused IN (0, 1)),
    paused_code          TEXT,
    requests             INTEGER,
    route                TEXT,
    lines                INTEGER,
    translated           INTEGER,
    synthesised          INTEGER,
    fitted               INTEGER,
    flagged              INTEGER,
    to_attend            INTEGER,
    overlaps             INTEGER,
    translated_lines     TEXT,
    synthesised_lines    TEXT,
    fitted_lines         TEXT,
    flags                TEXT,
    loudness_lufs_centi  INTEGER,
    true_peak_dbtp_centi INTEGER,
    loudness_reached     BOOLEAN CHECK (loudness_reached IN (0, 1)),
    video_copied         BOOLEAN CHECK (video_copied IN (0, 1)),
    media_sha256         TEXT,
    media_bytes          INTEGER,
    srt_sha256           TEXT,
    vtt_sha256           TEXT,
    report_sha256        TEXT,
    manifest_sha256      TEXT,
    requested_at         TEXT,
    started_at           TEXT,
    published_at         TEXT,
    settled_at           TEXT,
    updated_at           TEXT,
    PRIMARY KEY (job_id, language)
) WITHOUT ROWID;

CREATE TABLE utterances (
    job_id          TEXT    NOT NULL,
    language        TEXT    NOT NULL,
    utterance       INTEGER NOT NULL,
    state           TEXT,
    start_ms        INTEGER,
    end_ms          INTEGER,
    speaker         INTEGER,
    confidence      INTEGER,
    rate            INTEGER,
    shift_ms        INTEGER,
    duration_ms     INTEGER,
    unknown_words   INTEGER,
    terms           INTEGER,
    terms_missing   INTEGER,
    flags           TEXT,
    needs_attention BOOLEAN CHECK (needs_attention IN (0, 1)),
    updated_at      TEXT,
    PRIMARY KEY (job_id, language, utterance)
) WITHOUT ROWID;

CREATE TABLE engine_runs (
    stream       TEXT    NOT NULL,
    stage        TEXT    NOT NULL,
    run          INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    job_id       TEXT,
    language     TEXT,
    state        TEXT,
    engines      TEXT,
    requested_at TEXT,
    started_at   TEXT,
    ended_at     TEXT,
    retry_at     TEXT,
    wall_ms      INTEGER,
    made         INTEGER,
    reused       INTEGER,
    error_code   TEXT,
    PRIMARY KEY (stream, stage, run, attempt)
) WITHOUT ROWID;

CREATE INDEX engine_runs_by_job ON engine_runs (job_id);
