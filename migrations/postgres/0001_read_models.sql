-- Read models: what projections fold the event log into. Everything here can be folded anew.
--
-- The runner of migrations makes the schema `dragoman_read` and puts it into the search path. Texts are compared and put
-- in order by their bytes, whatever the database's language. Two more schemas hold what is being folded anew and what was
-- live before: their tables come and go, those here stay.

CREATE SCHEMA dragoman_read_shadow;
CREATE SCHEMA dragoman_read_before;

-- Whose rows these are. One installation's rows under another one's would be neither's.
CREATE TABLE installation (
    only_row boolean NOT NULL DEFAULT true CHECK (only_row),
    id       uuid NOT NULL,
    CONSTRAINT installation_pkey PRIMARY KEY (only_row)
);

CREATE TABLE checkpoints (
    projection text COLLATE "C" NOT NULL,
    position   bigint NOT NULL CHECK (position >= 0),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (projection)
);

CREATE TABLE parked_keys (
    projection text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    reason     text COLLATE "C" NOT NULL,
    CONSTRAINT parked_keys_pkey PRIMARY KEY (projection, key)
);

CREATE TABLE dragoman_read_shadow.checkpoints (LIKE checkpoints INCLUDING ALL);
CREATE TABLE dragoman_read_shadow.parked_keys (LIKE parked_keys INCLUDING ALL);
CREATE TABLE dragoman_read_before.checkpoints (LIKE checkpoints INCLUDING ALL);
CREATE TABLE dragoman_read_before.parked_keys (LIKE parked_keys INCLUDING ALL);

-- Swaps are counted like a projection's steps. The row is there from the start, so that it can be locked.
INSERT INTO checkpoints (projection, position) VALUES ('swaps', 0);

CREATE TABLE jobs (
    job_id            uuid NOT NULL,
    tenant            text COLLATE "C",
    revision          bigint,
    project_id        uuid,
    asset_id          uuid,
    client_reference  text COLLATE "C",
    priority          text COLLATE "C",
    forked_from       uuid,
    state             text COLLATE "C",
    phase             text COLLATE "C",
    paused            text[] COLLATE "C",
    paused_code       text COLLATE "C",
    held              text[] COLLATE "C",
    parked            text[] COLLATE "C",
    failure_code      text COLLATE "C",
    identity          text COLLATE "C",
    source_sha256     text COLLATE "C",
    source_media_type text COLLATE "C",
    source_bytes      bigint,
    source_language   text COLLATE "C",
    language_assumed  boolean,
    transcript        text COLLATE "C",
    container         text COLLATE "C",
    duration_ms       bigint,
    width             bigint,
    height            bigint,
    languages         text[] COLLATE "C",
    started_at        timestamptz,
    updated_at        timestamptz,
    ended_at          timestamptz,
    undoing           text[] COLLATE "C",
    owes              boolean,
    CONSTRAINT jobs_pkey PRIMARY KEY (job_id)
) WITH (fillfactor = 80);

CREATE TABLE tracks (
    job_id               uuid NOT NULL,
    language             text COLLATE "C" NOT NULL,
    tenant               text COLLATE "C",
    revision             bigint,
    state                text COLLATE "C",
    phase                text COLLATE "C",
    paused               boolean,
    paused_code          text COLLATE "C",
    held                 boolean,
    parked               boolean,
    requests             bigint,
    route                text COLLATE "C",
    lines                bigint,
    translated           bigint,
    synthesised          bigint,
    fitted               bigint,
    flagged              bigint,
    to_attend            bigint,
    stale                bigint,
    "overlaps"           bigint,
    translated_lines     text COLLATE "C",
    synthesised_lines    text COLLATE "C",
    fitted_lines         text COLLATE "C",
    stale_lines          text COLLATE "C",
    flags                text COLLATE "C",
    source_revisions     text COLLATE "C",
    line_edits           text COLLATE "C",
    making_revisions     text COLLATE "C",
    output_revisions     text COLLATE "C",
    translate_phase      text COLLATE "C",
    loudness_lufs_centi  bigint,
    true_peak_dbtp_centi bigint,
    loudness_reached     boolean,
    video_copied         boolean,
    published            boolean,
    media_sha256         text COLLATE "C",
    media_bytes          bigint,
    srt_sha256           text COLLATE "C",
    vtt_sha256           text COLLATE "C",
    report_sha256        text COLLATE "C",
    manifest_sha256      text COLLATE "C",
    requested_at         timestamptz,
    started_at           timestamptz,
    published_at         timestamptz,
    withdrawn_at         timestamptz,
    settled_at           timestamptz,
    updated_at           timestamptz,
    CONSTRAINT tracks_pkey PRIMARY KEY (job_id, language)
) WITH (fillfactor = 80);

CREATE TABLE utterances (
    job_id          uuid NOT NULL,
    language        text COLLATE "C" NOT NULL,
    utterance       bigint NOT NULL,
    tenant          text COLLATE "C",
    state           text COLLATE "C",
    revision        bigint,
    output_revision bigint,
    stale           boolean,
    removed         boolean,
    start_ms        bigint,
    end_ms          bigint,
    speaker         bigint,
    confidence      bigint,
    rate            bigint,
    shift_ms        bigint,
    duration_ms     bigint,
    unknown_words   bigint,
    terms           bigint,
    terms_missing   bigint,
    flags           text[] COLLATE "C",
    needs_attention boolean,
    source_revision bigint,
    edits           bigint,
    made_from       bigint,
    making_revision bigint,
    translate_phase text COLLATE "C",
    updated_at      timestamptz,
    CONSTRAINT utterances_pkey PRIMARY KEY (job_id, language, utterance)
) WITH (fillfactor = 80);

CREATE TABLE engine_runs (
    stream       text COLLATE "C" NOT NULL,
    stage        text COLLATE "C" NOT NULL,
    run          bigint NOT NULL,
    attempt      bigint NOT NULL,
    tenant       text COLLATE "C",
    job_id       uuid,
    language     text COLLATE "C",
    state        text COLLATE "C",
    engines      text COLLATE "C",
    requested_at timestamptz,
    started_at   timestamptz,
    ended_at     timestamptz,
    retry_at     timestamptz,
    wall_ms      bigint,
    made         bigint,
    reused       bigint,
    error_code   text COLLATE "C",
    CONSTRAINT engine_runs_pkey PRIMARY KEY (stream, stage, run, attempt)
) WITH (fillfactor = 80);

CREATE TABLE assets (
    asset_id             uuid NOT NULL,
    tenant               text COLLATE "C",
    revision             bigint,
    state                text COLLATE "C",
    scanned              boolean,
    code                 text COLLATE "C",
    why                  text COLLATE "C",
    sha256               text COLLATE "C",
    media_type           text COLLATE "C",
    bytes                bigint,
    container            text COLLATE "C",
    duration_ms          bigint,
    width                bigint,
    height               bigint,
    video_streams        bigint,
    audio_streams        bigint,
    subtitle_tracks      bigint,
    loudness_lufs_centi  bigint,
    true_peak_dbtp_centi bigint,
    uploaded_at          timestamptz,
    checked_at           timestamptz,
    updated_at           timestamptz,
    CONSTRAINT assets_pkey PRIMARY KEY (asset_id)
);

CREATE TABLE projects (
    project_id uuid NOT NULL,
    tenant     text COLLATE "C",
    revision   bigint,
    state      text COLLATE "C",
    dubbings   bigint,
    created_at timestamptz,
    updated_at timestamptz,
    CONSTRAINT projects_pkey PRIMARY KEY (project_id)
);

CREATE TABLE glossaries (
    glossary_id uuid NOT NULL,
    tenant      text COLLATE "C",
    revision    bigint,
    state       text COLLATE "C",
    language    text COLLATE "C",
    terms       bigint,
    sha256      text COLLATE "C",
    bytes       bigint,
    created_at  timestamptz,
    updated_at  timestamptz,
    CONSTRAINT glossaries_pkey PRIMARY KEY (glossary_id)
);

CREATE TABLE usage (
    tenant           text COLLATE "C" NOT NULL,
    month            text COLLATE "C" NOT NULL,
    dubbings_started bigint,
    source_ms        bigint,
    tracks_published bigint,
    bytes_uploaded   bigint,
    engine_ms        bigint,
    lines_spoken     bigint,
    lines_reused     bigint,
    updated_at       timestamptz,
    CONSTRAINT usage_pkey PRIMARY KEY (tenant, month)
);

CREATE TABLE tenants (
    tenant_id           uuid NOT NULL,
    tenant              text COLLATE "C",
    revision            bigint,
    running_jobs_max    bigint,
    minutes_a_month_max bigint,
    bytes_a_month_max   bigint,
    spend_a_month_max   bigint,
    created_at          timestamptz,
    updated_at          timestamptz,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id)
);

CREATE TABLE accounts (
    account_id    uuid NOT NULL,
    tenant        text COLLATE "C",
    revision      bigint,
    state         text COLLATE "C",
    was           text COLLATE "C",
    origin        text COLLATE "C",
    role          text COLLATE "C",
    second_factor boolean,
    keys          bigint,
    created_at    timestamptz,
    signed_in_at  timestamptz,
    updated_at    timestamptz,
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id)
);

CREATE TABLE webhooks (
    webhook_id uuid NOT NULL,
    tenant     text COLLATE "C",
    revision   bigint,
    state      text COLLATE "C",
    why        text COLLATE "C",
    events     jsonb,
    since      bigint,
    created_at timestamptz,
    updated_at timestamptz,
    CONSTRAINT webhooks_pkey PRIMARY KEY (webhook_id)
);

CREATE TABLE security_events (
    position    bigint NOT NULL,
    tenant      text COLLATE "C",
    type        text COLLATE "C",
    account     uuid,
    key         uuid,
    actor       text COLLATE "C",
    stream      text COLLATE "C",
    revision    bigint,
    recorded_at timestamptz,
    CONSTRAINT security_events_pkey PRIMARY KEY (position)
);

CREATE TABLE parked_stages (
    job_id    uuid NOT NULL,
    language  text COLLATE "C" NOT NULL,
    stage     text COLLATE "C" NOT NULL,
    tenant    text COLLATE "C",
    code      text COLLATE "C",
    parked_at timestamptz,
    CONSTRAINT parked_stages_pkey PRIMARY KEY (job_id, language, stage)
);

CREATE TABLE charges (
    thing             text COLLATE "C" NOT NULL,
    month             text COLLATE "C" NOT NULL,
    length_ms         bigint,
    recognised        boolean,
    from_stage        text COLLATE "C",
    begun_by          uuid,
    taken_in          boolean,
    tenant            text COLLATE "C",
    source_waits      boolean,
    languages_waiting bigint,
    source_ms         bigint,
    transcribe_ms     bigint,
    translate_ms      bigint,
    synthesise_ms     bigint,
    finish_ms         bigint,
    CONSTRAINT charges_pkey PRIMARY KEY (thing, month)
);

-- Lists are read in the order of a time, the row's key breaking ties; nulls come before everything.

CREATE INDEX jobs_by_identity ON jobs (identity);
CREATE INDEX jobs_by_source ON jobs (source_sha256);
CREATE INDEX jobs_by_project ON jobs (project_id, started_at NULLS FIRST, job_id);
CREATE INDEX jobs_by_asset ON jobs (asset_id);
CREATE INDEX jobs_by_debt ON jobs (owes, started_at NULLS FIRST, job_id);
CREATE INDEX jobs_by_start ON jobs (tenant, started_at NULLS FIRST, job_id);
CREATE INDEX jobs_by_state ON jobs (tenant, state);
CREATE INDEX jobs_by_phase ON jobs (tenant, phase, started_at NULLS FIRST, job_id);
CREATE INDEX jobs_by_language ON jobs USING gin (languages);
CREATE INDEX tracks_by_state ON tracks (tenant, state);
CREATE INDEX tracks_by_media ON tracks (media_sha256) WHERE media_sha256 IS NOT NULL;
CREATE INDEX tracks_by_srt ON tracks (srt_sha256) WHERE srt_sha256 IS NOT NULL;
CREATE INDEX tracks_by_vtt ON tracks (vtt_sha256) WHERE vtt_sha256 IS NOT NULL;
CREATE INDEX tracks_by_report ON tracks (report_sha256) WHERE report_sha256 IS NOT NULL;
CREATE INDEX engine_runs_by_job ON engine_runs (job_id);
CREATE INDEX engine_runs_by_stage ON engine_runs (stage, state);
CREATE INDEX engine_runs_by_end ON engine_runs (state, reused, ended_at NULLS FIRST, stream, stage, run, attempt)
    WHERE reused IS NOT NULL;
CREATE INDEX parked_stages_by_age ON parked_stages (tenant, parked_at NULLS FIRST, job_id, language, stage);
CREATE INDEX assets_by_content ON assets (sha256);
CREATE INDEX assets_by_upload ON assets (tenant, uploaded_at NULLS FIRST, asset_id);
CREATE INDEX assets_by_state ON assets (state, asset_id);
CREATE INDEX projects_by_age ON projects (tenant, created_at NULLS FIRST, project_id);
CREATE INDEX glossaries_by_age ON glossaries (tenant, created_at NULLS FIRST, glossary_id);
CREATE INDEX glossaries_by_content ON glossaries (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX accounts_by_creation ON accounts (tenant, created_at NULLS FIRST, account_id);
CREATE INDEX webhooks_by_creation ON webhooks (tenant, created_at NULLS FIRST, webhook_id);
CREATE INDEX security_events_by_tenant ON security_events (tenant, position);
CREATE INDEX security_events_by_type ON security_events (tenant, type, position);
CREATE INDEX security_events_by_account ON security_events (tenant, account, position);
-- It holds all that a month's sums are made from; rows of no tenant hold for all months and are left out.
CREATE INDEX charges_by_month ON charges (tenant, month)
    INCLUDE (source_ms, transcribe_ms, translate_ms, synthesise_ms, finish_ms) WHERE tenant IS NOT NULL;

-- What BI tools and people see of it. `docs/read-models.md` is made from this.

COMMENT ON TABLE installation IS 'The installation whose event log these read models are folded from: the number in its data folder.';
COMMENT ON COLUMN installation.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN installation.id IS 'The number.';

COMMENT ON TABLE checkpoints IS 'How far each read model is: all events up to this position of the log are in its rows.';
COMMENT ON COLUMN checkpoints.projection IS 'The read model.';
COMMENT ON COLUMN checkpoints.position IS 'The position.';

COMMENT ON TABLE parked_keys IS 'Rows that stand still because an event about them could not be read or folded. Empty when all is well.';
COMMENT ON COLUMN parked_keys.projection IS 'The read model.';
COMMENT ON COLUMN parked_keys.key IS 'Which rows: a JSON list of the first values of their key.';
COMMENT ON COLUMN parked_keys.position IS 'The position of the event.';
COMMENT ON COLUMN parked_keys.event_type IS 'The event''s type.';
COMMENT ON COLUMN parked_keys.reason IS 'unreadable or fold-failed.';

COMMENT ON TABLE jobs IS 'One row per dubbing job.';
COMMENT ON COLUMN jobs.job_id IS 'The dubbing job.';
COMMENT ON COLUMN jobs.tenant IS 'The tenant.';
COMMENT ON COLUMN jobs.revision IS 'How many events its stream has.';
COMMENT ON COLUMN jobs.project_id IS 'The project.';
COMMENT ON COLUMN jobs.asset_id IS 'The uploaded file.';
COMMENT ON COLUMN jobs.client_reference IS 'What the client calls it.';
COMMENT ON COLUMN jobs.priority IS 'low, normal or high.';
COMMENT ON COLUMN jobs.forked_from IS 'The job that it continues from one of its stages.';
COMMENT ON COLUMN jobs.state IS 'queued, preparing (source and transcript), processing (languages), parked (out of attempts: somebody must see to it), paused (by a user), completed, needs_attention, failed or cancelled.';
COMMENT ON COLUMN jobs.phase IS 'As state, without parked and paused.';
COMMENT ON COLUMN jobs.paused IS 'Languages whose flow stands still; the job''s own as *.';
COMMENT ON COLUMN jobs.paused_code IS 'Why it stands still.';
COMMENT ON COLUMN jobs.held IS 'Those of them that a user paused.';
COMMENT ON COLUMN jobs.parked IS 'Those of them with a stage out of attempts.';
COMMENT ON COLUMN jobs.failure_code IS 'Why it failed.';
COMMENT ON COLUMN jobs.identity IS 'Digest of all that the job was ordered by: equal orders have equal ones.';
COMMENT ON COLUMN jobs.source_sha256 IS 'SHA-256 of the source video, in hexadecimal.';
COMMENT ON COLUMN jobs.source_media_type IS 'Media type of the source.';
COMMENT ON COLUMN jobs.source_bytes IS 'Size of the source in bytes.';
COMMENT ON COLUMN jobs.source_language IS 'Language of the source, as a BCP 47 tag.';
COMMENT ON COLUMN jobs.language_assumed IS 'Whether that language was assumed and not given.';
COMMENT ON COLUMN jobs.transcript IS 'recognised, imported or embedded.';
COMMENT ON COLUMN jobs.container IS 'The file''s container format.';
COMMENT ON COLUMN jobs.duration_ms IS 'Length in milliseconds.';
COMMENT ON COLUMN jobs.width IS 'Width of the picture, in pixels.';
COMMENT ON COLUMN jobs.height IS 'Height of the picture, in pixels.';
COMMENT ON COLUMN jobs.languages IS 'Target languages.';
COMMENT ON COLUMN jobs.started_at IS 'When it began.';
COMMENT ON COLUMN jobs.updated_at IS 'When the last event about it was recorded.';
COMMENT ON COLUMN jobs.ended_at IS 'When it came to its end.';
COMMENT ON COLUMN jobs.undoing IS 'Languages in which finished stages are being undone; the job''s own as *.';
COMMENT ON COLUMN jobs.owes IS 'Whether anything may be left to do.';

COMMENT ON TABLE tracks IS 'One row per dubbing job and target language; the row whose language is empty is the transcript that all languages are made from.';
COMMENT ON COLUMN tracks.job_id IS 'The dubbing job.';
COMMENT ON COLUMN tracks.language IS 'Target language, as a BCP 47 tag; empty for the transcript.';
COMMENT ON COLUMN tracks.tenant IS 'The tenant.';
COMMENT ON COLUMN tracks.revision IS 'How many events its stream has.';
COMMENT ON COLUMN tracks.state IS 'requested (waits for the transcript), processing, parked, paused, completed, needs_attention, cancelled or failed.';
COMMENT ON COLUMN tracks.phase IS 'As state, without parked and paused.';
COMMENT ON COLUMN tracks.paused IS 'Whether its flow stands still.';
COMMENT ON COLUMN tracks.paused_code IS 'Why it stands still.';
COMMENT ON COLUMN tracks.held IS 'Whether a user paused it.';
COMMENT ON COLUMN tracks.parked IS 'Whether a stage is out of attempts.';
COMMENT ON COLUMN tracks.requests IS 'How often it was asked for.';
COMMENT ON COLUMN tracks.route IS 'The languages that the translation goes through.';
COMMENT ON COLUMN tracks.lines IS 'How many lines it has.';
COMMENT ON COLUMN tracks.translated IS 'Lines that were ever translated.';
COMMENT ON COLUMN tracks.synthesised IS 'Lines that were ever spoken.';
COMMENT ON COLUMN tracks.fitted IS 'Lines that were ever fitted.';
COMMENT ON COLUMN tracks.flagged IS 'Lines that have a flag now.';
COMMENT ON COLUMN tracks.to_attend IS 'Lines that somebody should look at.';
COMMENT ON COLUMN tracks.stale IS 'Lines that changed, came or went since they were made.';
COMMENT ON COLUMN tracks."overlaps" IS 'Places where lines of the dub overlap.';
COMMENT ON COLUMN tracks.translated_lines IS 'Which lines were translated, as ranges: 1-12,14.';
COMMENT ON COLUMN tracks.synthesised_lines IS 'Which lines were spoken, as ranges.';
COMMENT ON COLUMN tracks.fitted_lines IS 'Which lines were fitted, as ranges.';
COMMENT ON COLUMN tracks.stale_lines IS 'Which lines are stale, as ranges.';
COMMENT ON COLUMN tracks.flags IS 'Which lines have which flags, as ranges.';
COMMENT ON COLUMN tracks.source_revisions IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN tracks.line_edits IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN tracks.making_revisions IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN tracks.output_revisions IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN tracks.translate_phase IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN tracks.loudness_lufs_centi IS 'Integrated loudness, in hundredths of LUFS.';
COMMENT ON COLUMN tracks.true_peak_dbtp_centi IS 'True peak, in hundredths of dBTP.';
COMMENT ON COLUMN tracks.loudness_reached IS 'Whether the loudness asked for was reached.';
COMMENT ON COLUMN tracks.video_copied IS 'Whether the picture was copied and not encoded anew.';
COMMENT ON COLUMN tracks.published IS 'Whether the result is visible.';
COMMENT ON COLUMN tracks.media_sha256 IS 'SHA-256 of the finished file.';
COMMENT ON COLUMN tracks.media_bytes IS 'Size of the finished file in bytes.';
COMMENT ON COLUMN tracks.srt_sha256 IS 'SHA-256 of the subtitles as SubRip.';
COMMENT ON COLUMN tracks.vtt_sha256 IS 'SHA-256 of the subtitles as WebVTT.';
COMMENT ON COLUMN tracks.report_sha256 IS 'SHA-256 of the quality report.';
COMMENT ON COLUMN tracks.manifest_sha256 IS 'SHA-256 of the provenance manifest.';
COMMENT ON COLUMN tracks.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN tracks.started_at IS 'When it began.';
COMMENT ON COLUMN tracks.published_at IS 'When the result became visible.';
COMMENT ON COLUMN tracks.withdrawn_at IS 'When the result last ceased to be visible.';
COMMENT ON COLUMN tracks.settled_at IS 'When there was nothing left to do.';
COMMENT ON COLUMN tracks.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE utterances IS 'One row per line of speech and language; rows whose language is empty are the transcript.';
COMMENT ON COLUMN utterances.job_id IS 'The dubbing job.';
COMMENT ON COLUMN utterances.language IS 'Target language, as a BCP 47 tag; empty for the transcript.';
COMMENT ON COLUMN utterances.utterance IS 'The line''s number.';
COMMENT ON COLUMN utterances.tenant IS 'The tenant.';
COMMENT ON COLUMN utterances.state IS 'In the transcript planned, transcribed or dropped; in a language waiting, translated, synthesised or fitted: the farthest it ever came.';
COMMENT ON COLUMN utterances.revision IS 'How often the line was said to be different.';
COMMENT ON COLUMN utterances.output_revision IS 'The revision that can be heard.';
COMMENT ON COLUMN utterances.stale IS 'Whether an older revision can be heard.';
COMMENT ON COLUMN utterances.removed IS 'Whether the transcript has the line no more.';
COMMENT ON COLUMN utterances.start_ms IS 'Where it begins, in milliseconds: of the source in the transcript, of the dub in a language.';
COMMENT ON COLUMN utterances.end_ms IS 'Where it ends, in milliseconds.';
COMMENT ON COLUMN utterances.speaker IS 'The speaker''s number.';
COMMENT ON COLUMN utterances.confidence IS 'Confidence of recognition, in percent.';
COMMENT ON COLUMN utterances.rate IS 'Rate of speech, in percent.';
COMMENT ON COLUMN utterances.shift_ms IS 'How far it was moved, in milliseconds.';
COMMENT ON COLUMN utterances.duration_ms IS 'Length in milliseconds.';
COMMENT ON COLUMN utterances.unknown_words IS 'Words that the translation does not know.';
COMMENT ON COLUMN utterances.terms IS 'Terms of the glossary in it.';
COMMENT ON COLUMN utterances.terms_missing IS 'Terms of the glossary that the translation lacks.';
COMMENT ON COLUMN utterances.flags IS 'Stage and flag, like fit:late.';
COMMENT ON COLUMN utterances.needs_attention IS 'Whether somebody should look at it.';
COMMENT ON COLUMN utterances.source_revision IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN utterances.edits IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN utterances.made_from IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN utterances.making_revision IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN utterances.translate_phase IS 'Of the fold''s own; not stable.';
COMMENT ON COLUMN utterances.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE engine_runs IS 'One row per attempt at a stage.';
COMMENT ON COLUMN engine_runs.stream IS 'The stream: of the job, or of the job in a language.';
COMMENT ON COLUMN engine_runs.stage IS 'The stage.';
COMMENT ON COLUMN engine_runs.run IS 'The run: how often the stage was asked for anew.';
COMMENT ON COLUMN engine_runs.attempt IS 'The attempt within the run.';
COMMENT ON COLUMN engine_runs.tenant IS 'The tenant.';
COMMENT ON COLUMN engine_runs.job_id IS 'The dubbing job.';
COMMENT ON COLUMN engine_runs.language IS 'Target language; empty for stages of the whole job.';
COMMENT ON COLUMN engine_runs.state IS 'requested, started, completed, failed, lost, released (given back unfinished) or skipped.';
COMMENT ON COLUMN engine_runs.engines IS 'Engines and their versions.';
COMMENT ON COLUMN engine_runs.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN engine_runs.started_at IS 'When it began.';
COMMENT ON COLUMN engine_runs.ended_at IS 'When it came to its end.';
COMMENT ON COLUMN engine_runs.retry_at IS 'When it is tried again.';
COMMENT ON COLUMN engine_runs.wall_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN engine_runs.made IS 'Results that were made.';
COMMENT ON COLUMN engine_runs.reused IS 'Results that were found again.';
COMMENT ON COLUMN engine_runs.error_code IS 'Why it failed.';

COMMENT ON TABLE assets IS 'One row per uploaded file.';
COMMENT ON COLUMN assets.asset_id IS 'The uploaded file.';
COMMENT ON COLUMN assets.tenant IS 'The tenant.';
COMMENT ON COLUMN assets.revision IS 'How many events its stream has.';
COMMENT ON COLUMN assets.state IS 'uploaded (waits to be looked at), ready, quarantined or erased.';
COMMENT ON COLUMN assets.scanned IS 'Whether it was scanned for malware.';
COMMENT ON COLUMN assets.code IS 'Why it was refused.';
COMMENT ON COLUMN assets.why IS 'Why it was put away.';
COMMENT ON COLUMN assets.sha256 IS 'SHA-256 of the content, in hexadecimal.';
COMMENT ON COLUMN assets.media_type IS 'Media type of the content.';
COMMENT ON COLUMN assets.bytes IS 'Size in bytes.';
COMMENT ON COLUMN assets.container IS 'The file''s container format.';
COMMENT ON COLUMN assets.duration_ms IS 'Length in milliseconds.';
COMMENT ON COLUMN assets.width IS 'Width of the picture, in pixels.';
COMMENT ON COLUMN assets.height IS 'Height of the picture, in pixels.';
COMMENT ON COLUMN assets.video_streams IS 'How many video streams it has.';
COMMENT ON COLUMN assets.audio_streams IS 'How many audio streams it has.';
COMMENT ON COLUMN assets.subtitle_tracks IS 'How many subtitle tracks it has.';
COMMENT ON COLUMN assets.loudness_lufs_centi IS 'Integrated loudness, in hundredths of LUFS.';
COMMENT ON COLUMN assets.true_peak_dbtp_centi IS 'True peak, in hundredths of dBTP.';
COMMENT ON COLUMN assets.uploaded_at IS 'When it was uploaded.';
COMMENT ON COLUMN assets.checked_at IS 'When it was checked.';
COMMENT ON COLUMN assets.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE projects IS 'One row per project.';
COMMENT ON COLUMN projects.project_id IS 'The project.';
COMMENT ON COLUMN projects.tenant IS 'The tenant.';
COMMENT ON COLUMN projects.revision IS 'How many events its stream has.';
COMMENT ON COLUMN projects.state IS 'active or removed; null for one that jobs name and nobody made.';
COMMENT ON COLUMN projects.dubbings IS 'How many jobs were begun in it.';
COMMENT ON COLUMN projects.created_at IS 'When it was made.';
COMMENT ON COLUMN projects.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE glossaries IS 'One row per glossary.';
COMMENT ON COLUMN glossaries.glossary_id IS 'The glossary.';
COMMENT ON COLUMN glossaries.tenant IS 'The tenant.';
COMMENT ON COLUMN glossaries.revision IS 'How many events its stream has.';
COMMENT ON COLUMN glossaries.state IS 'active or removed.';
COMMENT ON COLUMN glossaries.language IS 'The language that it translates into; null when it fits any.';
COMMENT ON COLUMN glossaries.terms IS 'How many terms it has.';
COMMENT ON COLUMN glossaries.sha256 IS 'SHA-256 of the content, in hexadecimal.';
COMMENT ON COLUMN glossaries.bytes IS 'Size in bytes.';
COMMENT ON COLUMN glossaries.created_at IS 'When it was made.';
COMMENT ON COLUMN glossaries.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE usage IS 'One row per tenant and month, in UTC. Numbers only grow.';
COMMENT ON COLUMN usage.tenant IS 'The tenant.';
COMMENT ON COLUMN usage.month IS 'The month, like 2026-11.';
COMMENT ON COLUMN usage.dubbings_started IS 'Jobs that were begun.';
COMMENT ON COLUMN usage.source_ms IS 'Length of sources that were taken in, in milliseconds.';
COMMENT ON COLUMN usage.tracks_published IS 'Languages whose result became visible.';
COMMENT ON COLUMN usage.bytes_uploaded IS 'Bytes that were uploaded.';
COMMENT ON COLUMN usage.engine_ms IS 'Wall time of finished stages, in milliseconds.';
COMMENT ON COLUMN usage.lines_spoken IS 'Lines that were spoken anew.';
COMMENT ON COLUMN usage.lines_reused IS 'Spoken lines that were found again.';
COMMENT ON COLUMN usage.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE tenants IS 'One row per tenant.';
COMMENT ON COLUMN tenants.tenant_id IS 'The tenant''s id.';
COMMENT ON COLUMN tenants.tenant IS 'The tenant.';
COMMENT ON COLUMN tenants.revision IS 'How many events its stream has.';
COMMENT ON COLUMN tenants.running_jobs_max IS 'Jobs at the same time; null is no limit.';
COMMENT ON COLUMN tenants.minutes_a_month_max IS 'Minutes of source a month; null is no limit.';
COMMENT ON COLUMN tenants.bytes_a_month_max IS 'Bytes uploaded a month; null is no limit.';
COMMENT ON COLUMN tenants.spend_a_month_max IS 'Spend a month; null is no limit.';
COMMENT ON COLUMN tenants.created_at IS 'When it was made.';
COMMENT ON COLUMN tenants.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE accounts IS 'One row per account. Nothing personal is in it.';
COMMENT ON COLUMN accounts.account_id IS 'The account.';
COMMENT ON COLUMN accounts.tenant IS 'The tenant.';
COMMENT ON COLUMN accounts.revision IS 'How many events its stream has.';
COMMENT ON COLUMN accounts.state IS 'invited, active or deactivated.';
COMMENT ON COLUMN accounts.was IS 'Its state before it was deactivated.';
COMMENT ON COLUMN accounts.origin IS 'Where it comes from.';
COMMENT ON COLUMN accounts.role IS 'Its role.';
COMMENT ON COLUMN accounts.second_factor IS 'Whether it has a second factor.';
COMMENT ON COLUMN accounts.keys IS 'How many API keys it has.';
COMMENT ON COLUMN accounts.created_at IS 'When it was made.';
COMMENT ON COLUMN accounts.signed_in_at IS 'When it last signed in.';
COMMENT ON COLUMN accounts.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE webhooks IS 'One row per webhook. Its address and secret are not in it.';
COMMENT ON COLUMN webhooks.webhook_id IS 'The webhook.';
COMMENT ON COLUMN webhooks.tenant IS 'The tenant.';
COMMENT ON COLUMN webhooks.revision IS 'How many events its stream has.';
COMMENT ON COLUMN webhooks.state IS 'active, disabled or removed.';
COMMENT ON COLUMN webhooks.why IS 'Why it is disabled.';
COMMENT ON COLUMN webhooks.events IS 'Types of events that it hears of, and beginnings of types; all when empty.';
COMMENT ON COLUMN webhooks.since IS 'The position at which it was made: it hears of what came after.';
COMMENT ON COLUMN webhooks.created_at IS 'When it was made.';
COMMENT ON COLUMN webhooks.updated_at IS 'When the last event about it was recorded.';

COMMENT ON TABLE security_events IS 'One row per event about accounts, keys and sign-in.';
COMMENT ON COLUMN security_events.position IS 'Place in the log.';
COMMENT ON COLUMN security_events.tenant IS 'The tenant.';
COMMENT ON COLUMN security_events.type IS 'The event''s type, like sign-in-failed.';
COMMENT ON COLUMN security_events.account IS 'The account that it is about or that did it.';
COMMENT ON COLUMN security_events.key IS 'The API key that it is about or that was used.';
COMMENT ON COLUMN security_events.actor IS 'Who gave the command.';
COMMENT ON COLUMN security_events.stream IS 'The stream that holds the event.';
COMMENT ON COLUMN security_events.revision IS 'Its place in the stream.';
COMMENT ON COLUMN security_events.recorded_at IS 'When it was recorded.';

COMMENT ON TABLE parked_stages IS 'One row per stage that is out of attempts, for as long as it is.';
COMMENT ON COLUMN parked_stages.job_id IS 'The dubbing job.';
COMMENT ON COLUMN parked_stages.language IS 'Target language; empty for stages of the whole job.';
COMMENT ON COLUMN parked_stages.stage IS 'The stage.';
COMMENT ON COLUMN parked_stages.tenant IS 'The tenant.';
COMMENT ON COLUMN parked_stages.code IS 'Why it is out of attempts.';
COMMENT ON COLUMN parked_stages.parked_at IS 'Since when.';

COMMENT ON TABLE charges IS 'One row per dubbing job and month in which something of it was ordered; rows whose month is empty say what is known of assets and jobs.';
COMMENT ON COLUMN charges.thing IS 'The stream: of a job or of an asset.';
COMMENT ON COLUMN charges.month IS 'The month, like 2026-11; empty for what holds for all months.';
COMMENT ON COLUMN charges.length_ms IS 'Length of the source, in milliseconds.';
COMMENT ON COLUMN charges.recognised IS 'Whether its words are recognised, and not given.';
COMMENT ON COLUMN charges.from_stage IS 'The stage at which a fork begins.';
COMMENT ON COLUMN charges.begun_by IS 'The command that it began with.';
COMMENT ON COLUMN charges.taken_in IS 'Whether its source was taken in.';
COMMENT ON COLUMN charges.tenant IS 'The tenant.';
COMMENT ON COLUMN charges.source_waits IS 'Whether the source is to be charged once its length is known.';
COMMENT ON COLUMN charges.languages_waiting IS 'Languages to be charged once the length is known.';
COMMENT ON COLUMN charges.source_ms IS 'Charged for the source, in milliseconds.';
COMMENT ON COLUMN charges.transcribe_ms IS 'Charged for transcribing, in milliseconds.';
COMMENT ON COLUMN charges.translate_ms IS 'Charged for translating, in milliseconds, each language for itself.';
COMMENT ON COLUMN charges.synthesise_ms IS 'Charged for speaking, in milliseconds, each language for itself.';
COMMENT ON COLUMN charges.finish_ms IS 'Charged for finishing, in milliseconds, each language for itself.';
