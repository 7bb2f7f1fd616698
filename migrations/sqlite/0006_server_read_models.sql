-- Read models as a server needs them: by tenant and project, with what is stale, and those of assets, projects,
-- glossaries and usage. All tables are made anew and all checkpoints forgotten: everything is folded once more.

DELETE FROM checkpoints;

DROP TABLE jobs;

CREATE TABLE jobs (
    job_id            TEXT NOT NULL PRIMARY KEY,
    tenant            TEXT,
    revision          INTEGER,
    project_id        TEXT,
    asset_id          TEXT,
    client_reference  TEXT,
    priority          TEXT,
    forked_from       TEXT,
    state             TEXT,
    phase             TEXT,
    paused            TEXT,
    paused_code       TEXT,
    held              TEXT,
    parked            TEXT,
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
    ended_at          TEXT,
    undoing           TEXT,
    owes              BOOLEAN CHECK (owes IN (0, 1))
) WITHOUT ROWID;

CREATE INDEX jobs_by_identity ON jobs (identity);
CREATE INDEX jobs_by_source ON jobs (source_sha256);
CREATE INDEX jobs_by_project ON jobs (project_id);
CREATE INDEX jobs_by_asset ON jobs (asset_id);
CREATE INDEX jobs_by_debt ON jobs (owes, started_at);
CREATE INDEX jobs_by_start ON jobs (tenant, started_at);
CREATE INDEX jobs_by_state ON jobs (tenant, state);

DROP TABLE tracks;

CREATE TABLE tracks (
    job_id               TEXT NOT NULL,
    language             TEXT NOT NULL,
    tenant               TEXT,
    revision             INTEGER,
    state                TEXT,
    phase                TEXT,
    paused               BOOLEAN CHECK (paused IN (0, 1)),
    paused_code          TEXT,
    held                 BOOLEAN CHECK (held IN (0, 1)),
    parked               BOOLEAN CHECK (parked IN (0, 1)),
    requests             INTEGER,
    route                TEXT,
    lines                INTEGER,
    translated           INTEGER,
    synthesised          INTEGER,
    fitted               INTEGER,
    flagged              INTEGER,
    to_attend            INTEGER,
    stale                INTEGER,
    overlaps             INTEGER,
    translated_lines     TEXT,
    synthesised_lines    TEXT,
    fitted_lines         TEXT,
    stale_lines          TEXT,
    flags                TEXT,
    source_revisions     TEXT,
    line_edits           TEXT,
    making_revisions     TEXT,
    output_revisions     TEXT,
    translate_phase      TEXT,
    loudness_lufs_centi  INTEGER,
    true_peak_dbtp_centi INTEGER,
    loudness_reached     BOOLEAN CHECK (loudness_reached IN (0, 1)),
    video_copied         BOOLEAN CHECK (video_copied IN (0, 1)),
    published            BOOLEAN CHECK (published IN (0, 1)),
    media_sha256         TEXT,
    media_bytes          INTEGER,
    srt_sha256           TEXT,
    vtt_sha256           TEXT,
    report_sha256        TEXT,
    manifest_sha256      TEXT,
    requested_at         TEXT,
    started_at           TEXT,
    published_at         TEXT,
    withdrawn_at         TEXT,
    settled_at           TEXT,
    updated_at           TEXT,
    PRIMARY KEY (job_id, language)
) WITHOUT ROWID;

CREATE INDEX tracks_by_state ON tracks (tenant, state);

DROP TABLE utterances;

CREATE TABLE utterances (
    job_id          TEXT    NOT NULL,
    language        TEXT    NOT NULL,
    utterance       INTEGER NOT NULL,
    tenant          TEXT,
    state           TEXT,
    revision        INTEGER,
    output_revision INTEGER,
    stale           BOOLEAN CHECK (stale IN (0, 1)),
    removed         BOOLEAN CHECK (removed IN (0, 1)),
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
    source_revision INTEGER,
    edits           INTEGER,
    made_from       INTEGER,
    making_revision INTEGER,
    translate_phase TEXT,
    updated_at      TEXT,
    PRIMARY KEY (job_id, language, utterance)
) WITHOUT ROWID;

DROP TABLE engine_runs;

CREATE TABLE engine_runs (
    stream       TEXT    NOT NULL,
    stage        TEXT    NOT NULL,
    run          INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    tenant       TEXT,
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
CREATE INDEX engine_runs_by_stage ON engine_runs (stage, state);

CREATE TABLE assets (
    asset_id             TEXT NOT NULL PRIMARY KEY,
    tenant               TEXT,
    revision             INTEGER,
    state                TEXT,
    scanned              BOOLEAN CHECK (scanned IN (0, 1)),
    code                 TEXT,
    why                  TEXT,
    sha256               TEXT,
    media_type           TEXT,
    bytes                INTEGER,
    container            TEXT,
    duration_ms          INTEGER,
    width                INTEGER,
    height               INTEGER,
    video_streams        INTEGER,
    audio_streams        INTEGER,
    subtitle_tracks      INTEGER,
    loudness_lufs_centi  INTEGER,
    true_peak_dbtp_centi INTEGER,
    uploaded_at          TEXT,
    checked_at           TEXT,
    updated_at           TEXT
) WITHOUT ROWID;

CREATE INDEX assets_by_content ON assets (sha256);
CREATE INDEX assets_by_upload ON assets (tenant, uploaded_at);

CREATE TABLE projects (
    project_id TEXT NOT NULL PRIMARY KEY,
    tenant     TEXT,
    revision   INTEGER,
    state      TEXT,
    dubbings   INTEGER,
    created_at TEXT,
    updated_at TEXT
) WITHOUT ROWID;

CREATE INDEX projects_by_age ON projects (tenant, created_at);

CREATE TABLE glossaries (
    glossary_id TEXT NOT NULL PRIMARY KEY,
    tenant      TEXT,
    revision    INTEGER,
    state       TEXT,
    language    TEXT,
    terms       INTEGER,
    sha256      TEXT,
    bytes       INTEGER,
    created_at  TEXT,
    updated_at  TEXT
) WITHOUT ROWID;

CREATE INDEX glossaries_by_age ON glossaries (tenant, created_at);

CREATE TABLE usage (
    tenant           TEXT NOT NULL,
    month            TEXT NOT NULL,
    dubbings_started INTEGER,
    source_ms        INTEGER,
    tracks_published INTEGER,
    bytes_uploaded   INTEGER,
    engine_ms        INTEGER,
    lines_spoken     INTEGER,
    lines_reused     INTEGER,
    updated_at       TEXT,
    PRIMARY KEY (tenant, month)
) WITHOUT ROWID;
