-- Deliveries of events to webhooks.
--
-- Bodies hold ids and nothing personal; addresses and secrets of webhooks are elsewhere. Of the deliveries to one webhook
-- about one subject, `is_head` marks the one of the lowest position that waits: only that one is ever due. `claimed_by`
-- is the node that sends it, while that is alive. `attempts` is a JSON array of the last ones.

-- Whoever changes which deliveries of a webhook wait locks its row here first: which one is the first of a line can be
-- told only by one at a time.
CREATE TABLE lanes (
    webhook uuid NOT NULL,
    CONSTRAINT lanes_pkey PRIMARY KEY (webhook)
);
COMMENT ON TABLE lanes IS 'The webhooks that have deliveries.';

CREATE TABLE delivery_checkpoint (
    only_row boolean NOT NULL DEFAULT true CHECK (only_row),
    position bigint  NOT NULL DEFAULT 0,
    CONSTRAINT delivery_checkpoint_pkey PRIMARY KEY (only_row)
);
INSERT INTO delivery_checkpoint DEFAULT VALUES;
COMMENT ON TABLE delivery_checkpoint IS 'Up to which position of the log deliveries have been made.';

CREATE TABLE deliveries (
    id         uuid             NOT NULL,
    webhook    uuid             NOT NULL,
    tenant     text COLLATE "C" NOT NULL,
    event      uuid             NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    position   bigint           NOT NULL,
    subject    uuid             NOT NULL,
    body       text COLLATE "C" NOT NULL,
    state      text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    is_head    boolean          NOT NULL CHECK (NOT is_head OR state = 'waiting'),
    failures   bigint           NOT NULL,
    since_ms   bigint           NOT NULL,
    next_ms    bigint           NOT NULL,
    ended_ms   bigint,
    attempts   text COLLATE "C" NOT NULL,
    claimed_by uuid,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id)
);
CREATE INDEX deliveries_due ON deliveries (next_ms, webhook, position) WHERE is_head;
CREATE INDEX deliveries_in_line ON deliveries (webhook, subject, position) WHERE state = 'waiting';
CREATE INDEX deliveries_by_position ON deliveries (webhook, position);
CREATE INDEX deliveries_by_state ON deliveries (webhook, state, position);
CREATE INDEX deliveries_by_end ON deliveries (state, ended_ms) WHERE ended_ms IS NOT NULL;
COMMENT ON TABLE deliveries IS 'What webhooks are told, and what came of it.';

CREATE TABLE replays (
    webhook    uuid             NOT NULL,
    tenant     text COLLATE "C" NOT NULL,
    scanned_to bigint           NOT NULL,
    until      bigint           NOT NULL,
    CONSTRAINT replays_pkey PRIMARY KEY (webhook)
);
COMMENT ON TABLE replays IS 'What webhooks are told once more: events after `scanned_to` up to `until`.';
