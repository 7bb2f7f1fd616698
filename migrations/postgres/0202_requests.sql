-- Requests by their idempotency keys.
--
-- Of a key, only the SHA-256 digest is kept: clients choose keys, and may write anything into them. A row lives for a day
-- from `begun_ms`. It is answered when it has a `status`; else `node` carries it out while it is alive, and nobody when
-- there is none. `turn` tells a node's beginnings apart, so that one whose answer was lost is known again.

CREATE TABLE requests (
    tenant      text COLLATE "C" NOT NULL,
    key         bytea            NOT NULL,
    fingerprint bytea            NOT NULL,
    command     uuid             NOT NULL,
    resource    uuid             NOT NULL,
    begun_ms    bigint           NOT NULL,
    node        uuid,
    turn        bigint           NOT NULL,
    status      bigint,
    headers     text COLLATE "C",
    body        bytea,
    CONSTRAINT requests_pkey PRIMARY KEY (tenant, key)
) WITH (fillfactor = 80);
CREATE INDEX requests_by_age ON requests (begun_ms);
ALTER TABLE requests ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE requests IS 'Requests of the last day by their idempotency keys, with their answers, sealed.';
