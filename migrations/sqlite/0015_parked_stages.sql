-- Stages that are out of attempts, for as long as they are. It begins empty and is folded from the log.

CREATE TABLE parked_stages (
    job_id    TEXT NOT NULL,
    language  TEXT NOT NULL,
    stage     TEXT NOT NULL,
    tenant    TEXT,
    code      TEXT,
    parked_at TEXT,
    PRIMARY KEY (job_id, language, stage)
) WITHOUT ROWID;

CREATE INDEX parked_stages_by_age ON parked_stages (tenant, parked_at);
