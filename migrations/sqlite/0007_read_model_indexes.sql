-- Indexes for what is looked for again and again in tables that only grow: the newest finished runs, from which
-- durations are estimated, and the users of a file, which are looked for while nobody may begin to use one.
-- All of them leave out the rows without such a value, so that work under way does not pay for them.

CREATE INDEX engine_runs_by_end ON engine_runs (state, reused, ended_at) WHERE reused IS NOT NULL;

CREATE INDEX tracks_by_media ON tracks (media_sha256) WHERE media_sha256 IS NOT NULL;
CREATE INDEX tracks_by_srt ON tracks (srt_sha256) WHERE srt_sha256 IS NOT NULL;
CREATE INDEX tracks_by_vtt ON tracks (vtt_sha256) WHERE vtt_sha256 IS NOT NULL;
CREATE INDEX tracks_by_report ON tracks (report_sha256) WHERE report_sha256 IS NOT NULL;

CREATE INDEX glossaries_by_content ON glossaries (sha256) WHERE sha256 IS NOT NULL;
