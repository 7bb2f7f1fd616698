-- Memos: results by the digest of everything that they depend on. A file of its own (memo.db), with
-- schema numbers of its own. Losing it costs time and nothing else.
--
-- `result` is sealed under the key of the dubbing `owner`: when that key is destroyed, nobody can open it.

CREATE TABLE memos (
    key    TEXT NOT NULL PRIMARY KEY,
    owner  TEXT NOT NULL,
    result BLOB NOT NULL
) STRICT;
