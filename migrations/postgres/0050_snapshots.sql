-- Snapshots: states of long streams, so that they need not be folded from the beginning. No read model: nothing to ask
-- it, and losing it costs time and nothing else.
--
-- `state` is sealed under the key of the stream's subject, and bound to the rest of its row: when that key is destroyed,
-- nobody can open it. A stream's snapshot takes the place of the one before.

CREATE TABLE snapshots (
    stream      text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    revision    bigint NOT NULL CHECK (revision >= 0),
    hash        text COLLATE "C" NOT NULL,
    tenant      text COLLATE "C" NOT NULL,
    traceparent text COLLATE "C",
    state       bytea NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (stream)
);

-- What is sealed cannot be made shorter.
ALTER TABLE snapshots ALTER COLUMN state SET STORAGE EXTERNAL;
COMMENT ON TABLE snapshots IS 'States of long streams, sealed. No read model; may be emptied at any time.';
