-- The event log: written once, never changed.
--
-- Everything is in a schema of its own, dragoman_log. The application needs no right to write to a table: it appends
-- through a function, which runs with the rights of the schema's owner. New events are in `live`, a plain table; old
-- ones are in parts of `archive`, which were `live` before. Both together are the view `events`.

CREATE TABLE dragoman_log.log (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name         text    NOT NULL,
    installation uuid
);
COMMENT ON TABLE dragoman_log.log IS
    'The name of the log, and the installation it belongs to: the one whose data folder has the keys of what is sealed.';

-- Names the log and says whose it is, where nobody has; gives what holds.
CREATE FUNCTION dragoman_log.claim(INOUT name text, INOUT installation uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
BEGIN
    INSERT INTO log (name, installation) VALUES (claim.name, claim.installation) ON CONFLICT DO NOTHING;
    UPDATE log AS l SET installation = claim.installation WHERE l.installation IS NULL AND claim.installation IS NOT NULL;
    SELECT l.name, l.installation INTO claim.name, claim.installation FROM log AS l;
END $$;

CREATE TABLE dragoman_log.live (
    position       bigint      NOT NULL,
    stream         text        NOT NULL COLLATE "C",
    revision       bigint      NOT NULL CHECK (revision >= 1),
    event_id       uuid        NOT NULL,
    event_type     text        NOT NULL COLLATE "C",
    schema_version smallint    NOT NULL,
    recorded_at    timestamptz NOT NULL,
    tenant         text        NOT NULL COLLATE "C",
    actor          text        NOT NULL COLLATE "C",
    command_id     uuid        NOT NULL,
    fingerprint    bytea       NOT NULL,
    ordinal        integer     NOT NULL,
    causation_id   uuid,
    correlation_id uuid        NOT NULL,
    traceparent    text COLLATE "C",
    subject_keys   text        NOT NULL COLLATE "C",
    artefacts      text        NOT NULL COLLATE "C",
    data           text        NOT NULL COLLATE "C",
    prev_hash      bytea       NOT NULL,
    hash           bytea       NOT NULL,
    CONSTRAINT live_pkey PRIMARY KEY (position),
    CONSTRAINT live_stream_key UNIQUE (stream, revision)
);
COMMENT ON TABLE dragoman_log.live IS 'The newest events. `data` and its like are text: their bytes are what is hashed.';

-- The same columns, so that `live` can become a part of it.
CREATE TABLE dragoman_log.archive (LIKE dragoman_log.live INCLUDING CONSTRAINTS) PARTITION BY RANGE (position);
COMMENT ON TABLE dragoman_log.archive IS 'Old events, in parts by position.';

CREATE TABLE dragoman_log.parts (
    number           integer     PRIMARY KEY,
    first            bigint      NOT NULL,
    last             bigint      NOT NULL CHECK (last >= first),
    last_recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE dragoman_log.parts IS 'The parts of the archive: archive_<number> holds the positions from first to last.';

CREATE TABLE dragoman_log.streams (
    stream   text   NOT NULL COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    hash     bytea  NOT NULL,
    tenant   text   NOT NULL COLLATE "C",
    actor    text   NOT NULL COLLATE "C"
) WITH (fillfactor = 70);
COMMENT ON TABLE dragoman_log.streams IS 'Where each stream ends, and tenant and actor of its first event.';

CREATE TABLE dragoman_log.commands (
    first_event_id uuid   PRIMARY KEY,
    position       bigint NOT NULL
);
COMMENT ON TABLE dragoman_log.commands IS
    'Each append by the id of its first event, which is made from tenant, command id and stream; with its last position.';

CREATE FUNCTION dragoman_log.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION dragoman_log.guard(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION dragoman_log.refuse()',
        guarded);
END $$;

SELECT dragoman_log.guard('dragoman_log.live'), dragoman_log.guard('dragoman_log.archive');

CREATE VIEW dragoman_log.events AS SELECT * FROM dragoman_log.archive UNION ALL SELECT * FROM dragoman_log.live;
COMMENT ON VIEW dragoman_log.events IS 'All events.';

CREATE TABLE dragoman_log.nodes (
    id       uuid        PRIMARY KEY,
    name     text        NOT NULL,
    roles    text[]      NOT NULL,
    version  text        NOT NULL,
    draining boolean     NOT NULL DEFAULT false,
    until    timestamptz NOT NULL
);
COMMENT ON TABLE dragoman_log.nodes IS 'The processes of this installation, each as long as it says that it is there.';

CREATE TABLE dragoman_log.leases (
    name   text        PRIMARY KEY COLLATE "C",
    number bigint      NOT NULL,
    holder uuid        NOT NULL,
    until  timestamptz NOT NULL
);
COMMENT ON TABLE dragoman_log.leases IS
    'Who may do what only one process may do at a time. `number` grows each time one is taken, and fences appends.';

-- Writes appends, each all or none: one that fails its check does not hurt the others. Each has a stream of its own. One
-- writer at a time, from the first look at what is there until the commit: so positions come into sight in their order,
-- and a rollback leaves no hole.
--
-- Arrays by append: stream, revision expected, number of events, id of the first event, fingerprint, tenant and actor,
-- name and number of the lease under which it was decided; null for both arrays when there is none.
-- Arrays by event, in the order of the appends: append (from 1), and what is stored; `digests` are their 32 bytes each, one
-- after the other.
--
-- The answer, by append: verdict 0 for written, 1 for known from before, 2 for another revision, 3 for a lease that
-- somebody else has taken; then fingerprint, position, revision and hash as they were the first time, or revision and hash of the stream; and the hash of the last
-- event written. `last` is the last position before what was written.
CREATE FUNCTION dragoman_log.append(
    clock timestamptz,
    streams text[], expected bigint[], counts integer[], keys uuid[], fingerprints bytea[], tenants text[], actors text[],
    leases text[], numbers bigint[], appends integer[], ordinals integer[], event_ids uuid[], event_types text[], schema_versions smallint[],
    command_ids uuid[], causation_ids uuid[], correlation_ids uuid[], traceparents text[], subject_keys text[],
    artefacts text[], data text[], digests bytea,
    OUT last bigint, OUT verdicts smallint[], OUT known bytea[], OUT positions bigint[], OUT revisions bigint[],
    OUT hashes bytea[], OUT ends bytea[]
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = dragoman_log, pg_temp
-- Plans are made once, when the tables may be empty, and must be right for large ones.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    nothing CONSTANT bytea := decode(repeat('00', 32), 'hex');
    -- What is hashed to chain an event, but for time, hash before and digest: see `chain_hash` in event-codec.
    chain_1   CONSTANT bytea := '\x0000000000000010647261676f6d616e20636861696e20310000000000000008';
    length_32 CONSTANT bytea := '\x0000000000000020';
    at        timestamptz;
    at_bytes  bytea;
    befores   bytea[];
    afters    bytea[];
    -- By append: the position before its first event.
    begins    bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(1147237229, 1);
    -- Each statement sees what was committed before it began: here, what the lock waited for.
    SELECT array_agg(j.verdict), array_agg(NULL::bytea), array_agg(j.position), array_agg(j.revision), array_agg(j.hash)
        INTO verdicts, known, positions, revisions, hashes
        FROM (SELECT (CASE WHEN c.position IS NOT NULL THEN 1
                           WHEN coalesce(s.revision, 0) <> a.expected THEN 2 ELSE 0 END)::smallint AS verdict,
                     c.position, coalesce(s.revision, 0) AS revision, coalesce(s.hash, nothing) AS hash
              FROM unnest(streams, expected, keys) WITH ORDINALITY AS a (stream, expected, key, number)
              LEFT JOIN LATERAL (SELECT revision, hash FROM streams WHERE stream = a.stream) AS s ON true
              LEFT JOIN LATERAL (SELECT position FROM commands WHERE first_event_id = a.key) AS c ON true
              ORDER BY a.number) AS j;
    IF leases IS NOT NULL THEN
        -- Whoever takes a lease waits for the same lock: what was decided under it before is written before, or never.
        SELECT array_agg(CASE WHEN a.verdict <> 1 AND a.lease IS NOT NULL AND l.number IS DISTINCT FROM a.number
                              THEN 3::smallint ELSE a.verdict END ORDER BY a.ordinal)
            INTO verdicts
            FROM unnest(verdicts, leases, numbers) WITH ORDINALITY AS a (verdict, lease, number, ordinal)
            LEFT JOIN dragoman_log.leases AS l ON l.name = a.lease;
    END IF;
    IF 1 = ANY (verdicts) THEN
        SELECT array_agg(e.fingerprint ORDER BY a.number), array_agg(coalesce(e.revision, a.revision) ORDER BY a.number),
               array_agg(coalesce(e.hash, a.hash) ORDER BY a.number)
            INTO known, revisions, hashes
            FROM unnest(positions, revisions, hashes) WITH ORDINALITY AS a (position, revision, hash, number)
            LEFT JOIN LATERAL (SELECT fingerprint, revision, hash FROM events WHERE position = a.position) AS e ON true;
    END IF;

    SELECT l.position, l.recorded_at INTO last, at FROM live AS l ORDER BY l.position DESC LIMIT 1;
    IF last IS NULL THEN
        SELECT p.last, p.last_recorded_at INTO last, at FROM parts AS p ORDER BY p.number DESC LIMIT 1;
    END IF;
    last := coalesce(last, 0);
    at := greatest(clock, at);
    at_bytes := chain_1 || int8send((extract(epoch FROM at) * 1000)::bigint) || length_32;
    IF cardinality(appends) = cardinality(streams) THEN
        -- One event each, as most are: no chain is longer than a link.
        befores := hashes;
        SELECT array_agg(a.hash) INTO afters
            FROM (SELECT sha256(at_bytes || a.hash || length_32 || substr(digests, number::integer * 32 - 31, 32)) AS hash
                  FROM unnest(hashes) WITH ORDINALITY AS a (hash, number) ORDER BY a.number) AS a;
        ends := afters;
    ELSE
        WITH RECURSIVE chain AS (
            SELECT number, first, count, 0 AS ordinal, hash AS before,
                   sha256(at_bytes || hash || length_32 || substr(digests, first * 32 + 1, 32)) AS after
            FROM (SELECT number, count, hash, (sum(count) OVER (ORDER BY number) - count)::integer AS first
                  FROM unnest(counts, hashes) WITH ORDINALITY AS a (count, hash, number)) AS a
            UNION ALL
            SELECT number, first, count, ordinal + 1, after,
                   sha256(at_bytes || after || length_32 || substr(digests, (first + ordinal + 1) * 32 + 1, 32))
            FROM chain WHERE ordinal + 1 < count
        )
        SELECT array_agg(before), array_agg(after), array_agg(after) FILTER (WHERE ordinal + 1 = count)
            INTO befores, afters, ends FROM (SELECT * FROM chain ORDER BY first + ordinal) AS chain;
    END IF;

    SELECT array_agg(a.first) INTO begins
        FROM (SELECT last + sum(a.count) FILTER (WHERE a.verdict = 0) OVER (ORDER BY a.number) - a.count AS first
              FROM unnest(counts, verdicts) WITH ORDINALITY AS a (count, verdict, number) ORDER BY a.number) AS a;
    INSERT INTO live
        SELECT begins[e.append] + e.ordinal + 1, streams[e.append], expected[e.append] + e.ordinal + 1,
               e.event_id, e.event_type, e.schema_version, at, tenants[e.append], actors[e.append], e.command_id,
               fingerprints[e.append], e.ordinal, e.causation_id, e.correlation_id, e.traceparent, e.subject_keys,
               e.artefacts, e.data, e.before, e.after
        FROM unnest(appends, ordinals, event_ids, event_types, schema_versions, command_ids, causation_ids,
                    correlation_ids, traceparents, subject_keys, artefacts, data, befores, afters)
             AS e (append, ordinal, event_id, event_type, schema_version, command_id, causation_id, correlation_id,
                   traceparent, subject_keys, artefacts, data, before, after)
        WHERE verdicts[e.append] = 0;
    INSERT INTO commands
        SELECT a.key, a.first + a.count
        FROM unnest(keys, counts, verdicts, begins) AS a (key, count, verdict, first)
        WHERE a.verdict = 0;
    IF 0 = ANY (expected) THEN
        INSERT INTO streams
            SELECT a.stream, a.count, a.hash, a.tenant, a.actor
            FROM unnest(streams, counts, expected, ends, verdicts, tenants, actors)
                 AS a (stream, count, expected, hash, verdict, tenant, actor)
            WHERE a.expected = 0 AND a.verdict = 0;
    END IF;
    UPDATE streams AS s SET revision = a.expected + a.count, hash = a.hash
        FROM unnest(streams, counts, expected, ends, verdicts) AS a (stream, count, expected, hash, verdict)
        WHERE s.stream = a.stream AND a.expected > 0 AND a.verdict = 0;
    IF 0 = ANY (verdicts) THEN
        PERFORM pg_notify('dragoman_log', (last + sum(a.count))::text)
            FROM unnest(counts, verdicts) AS a (count, verdict) WHERE a.verdict = 0;
    END IF;
END $$;

-- A process is there, for so long; gives whether it is to be drained.
CREATE FUNCTION dragoman_log.announce(id uuid, name text, roles text[], version text, term interval) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    DELETE FROM nodes AS n WHERE n.until < clock_timestamp() - interval '1 hour';
    INSERT INTO nodes AS n (id, name, roles, version, until)
        VALUES (announce.id, announce.name, announce.roles, announce.version, clock_timestamp() + term)
        ON CONFLICT ON CONSTRAINT nodes_pkey DO UPDATE SET until = excluded.until
        RETURNING n.draining;
$$;

-- It leaves, with all that it holds.
CREATE FUNCTION dragoman_log.leave(node uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    UPDATE leases SET until = '-infinity' WHERE holder = node;
    DELETE FROM nodes WHERE id = node;
$$;

-- Asks for a process to be drained, or not so any more; gives whether it is there.
CREATE FUNCTION dragoman_log.drain(node uuid, wanted boolean) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    WITH asked AS (UPDATE nodes SET draining = wanted WHERE id = node AND until >= clock_timestamp() RETURNING id)
    SELECT EXISTS (SELECT FROM asked);
$$;

-- Takes leases that nobody holds, at most so many.
CREATE FUNCTION dragoman_log.take_leases(node uuid, names text[], at_most integer, term interval)
RETURNS TABLE (name text, number bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- Most of the time there is nothing to be had, which is seen without holding up writers.
    IF NOT EXISTS (SELECT FROM unnest(take_leases.names) AS w (name) LEFT JOIN leases AS l USING (name)
                   WHERE l.until IS NULL OR l.until < clock_timestamp()) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(1147237229, 1);
    RETURN QUERY
        INSERT INTO leases AS l (name, number, holder, until)
            SELECT w.name, 1, take_leases.node, clock_timestamp() + take_leases.term
            FROM unnest(take_leases.names) WITH ORDINALITY AS w (name, place) LEFT JOIN leases AS h USING (name)
            WHERE h.until IS NULL OR h.until < clock_timestamp()
            ORDER BY w.place LIMIT take_leases.at_most
        ON CONFLICT ON CONSTRAINT leases_pkey
            DO UPDATE SET number = l.number + 1, holder = excluded.holder, until = excluded.until
        RETURNING l.name, l.number;
END $$;

-- Holds leases for longer; gives those that nobody else has taken.
CREATE FUNCTION dragoman_log.renew_leases(node uuid, names text[], numbers bigint[], term interval)
RETURNS TABLE (name text, number bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    UPDATE leases AS l SET until = clock_timestamp() + term
        FROM unnest(names, numbers) AS h (name, number)
        WHERE l.name = h.name AND l.number = h.number AND l.holder = node AND l.until <> '-infinity'
        RETURNING l.name, l.number;
$$;

-- Lets go of leases.
CREATE FUNCTION dragoman_log.release_leases(node uuid, names text[], numbers bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
    UPDATE leases AS l SET until = '-infinity'
        FROM unnest(names, numbers) AS h (name, number)
        WHERE l.name = h.name AND l.number = h.number AND l.holder = node;
$$;

-- Makes `live` the next part of the archive, once it has this many events; gives the part's number, and null where it has
-- not. Waits for readers and writers as long as `patience` allows, in which no other append goes on.
CREATE FUNCTION dragoman_log.put_away(events_min bigint, patience interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = dragoman_log, pg_temp AS $$
DECLARE
    part   integer;
    name   text;
    first  bigint;
    last   bigint;
    reader record;
BEGIN
    PERFORM set_config('lock_timeout', (extract(epoch FROM patience) * 1000)::bigint::text, true);
    SELECT min(position), max(position) INTO first, last FROM live;
    IF last IS NULL OR last - first + 1 < events_min THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(1147237229, 1);
    LOCK TABLE live IN ACCESS EXCLUSIVE MODE;
    -- Another process may have been faster, and others have appended.
    SELECT min(position), max(position) INTO first, last FROM live;
    IF last IS NULL OR last - first + 1 < events_min THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(max(p.number), 0) + 1 INTO part FROM parts AS p;
    name := 'archive_' || part;
    INSERT INTO parts SELECT part, first, last, recorded_at FROM live WHERE position = last;
    EXECUTE format('ALTER TABLE live RENAME TO %I', name);
    EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT live_pkey TO %I', name, name || '_pkey');
    EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT live_stream_key TO %I', name, name || '_stream_key');
    EXECUTE format('ALTER TABLE archive ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, first, last + 1);
    CREATE TABLE live (LIKE archive INCLUDING CONSTRAINTS,
        CONSTRAINT live_pkey PRIMARY KEY (position), CONSTRAINT live_stream_key UNIQUE (stream, revision));
    EXECUTE format('COMMENT ON TABLE live IS %L', obj_description(to_regclass(name), 'pg_class'));
    PERFORM guard('live');
    FOR reader IN
        SELECT a.grantee::regrole AS role FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.oid = to_regclass(name) AND a.privilege_type = 'SELECT' AND a.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE format('GRANT SELECT ON live TO %s', reader.role);
    END LOOP;
    CREATE OR REPLACE VIEW events AS SELECT * FROM archive UNION ALL SELECT * FROM live;
    RETURN part;
END $$;

-- Lets a role use the log: read everything, append, and put old events away. It can change nothing that is written.
CREATE FUNCTION dragoman_log.admit(role name) RETURNS void LANGUAGE plpgsql SET search_path = dragoman_log, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dragoman_log TO %I', role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA dragoman_log TO %I', role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dragoman_log TO %I', role);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION admit(name), guard(regclass) FROM %I', role);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA dragoman_log FROM PUBLIC;
