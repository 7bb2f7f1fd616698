-- Memos: results by the digest of everything that they depend on. Losing them costs time and nothing else.
--
-- `result` is sealed under the key of the dubbing `owner`: when that key is destroyed, nobody can open it.

CREATE TABLE memos (
    key    bytea NOT NULL,
    owner  uuid  NOT NULL,
    result bytea NOT NULL,
    CONSTRAINT memos_pkey PRIMARY KEY (key)
);
ALTER TABLE memos ALTER COLUMN result SET STORAGE EXTERNAL;
COMMENT ON TABLE memos IS 'Results by what they depend on, sealed. May be emptied at any time.';
