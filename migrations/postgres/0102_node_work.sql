-- What work a node takes from the queue. One that takes none, or is of an older version, says nothing of it.
ALTER TABLE dragoman_log.nodes
    ADD COLUMN stages  text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN slots   integer,
    ADD COLUMN classes text[]  NOT NULL DEFAULT '{}';
COMMENT ON COLUMN dragoman_log.nodes.slots IS 'How much work it does at a time; nothing where it takes none.';

-- The same as the older one, and what work it takes.
CREATE FUNCTION dragoman_log.announce(
    id uuid, name text, roles text[], version text, stages text[], slots integer, classes text[], term interval
) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    DELETE FROM nodes AS n WHERE n.until < clock_timestamp() - interval '1 hour';
    INSERT INTO nodes AS n (id, name, roles, version, stages, slots, classes, until)
        VALUES (announce.id, announce.name, announce.roles, announce.version, announce.stages, announce.slots,
                announce.classes, clock_timestamp() + term)
        ON CONFLICT ON CONSTRAINT nodes_pkey DO UPDATE SET until = excluded.until
        RETURNING n.draining;
$$;

REVOKE EXECUTE ON FUNCTION dragoman_log.announce(uuid, text, text[], text, text[], integer, text[], interval) FROM PUBLIC;
