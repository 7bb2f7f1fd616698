-- Writes appends, each all or none: one that fails its check does not hurt the others. Each has a stream of its own. One
-- writer at a time, from the first look at what is there until the commit: so positions come into sight in their order,
-- and a rollback leaves no hole.
--
-- What is sent and answered is what it was in `event_log`; see there. What differs is the work: a command is not looked up
-- before its key is written, unless its stream is elsewhere than expected; a stream's row is found once and not twice; and
-- arrays are read by number, which costs less than a table made of each.
CREATE OR REPLACE FUNCTION dragoman_log.append(
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
    size      CONSTANT integer := cardinality(streams);
    at        timestamptz;
    at_bytes  bytea;
    befores   bytea[];
    afters    bytea[];
    -- By append: where the row of its stream is, and the position before its first event.
    places    tid[];
    begins    bigint[];
    -- Whether commands were looked up.
    is_sure   boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(1147237229, 1);
    known := array_fill(NULL::bytea, ARRAY[size]);
    positions := array_fill(NULL::bigint, ARRAY[size]);
    -- Each statement sees what was committed before it began: here, what the lock waited for.
    SELECT array_agg((CASE WHEN a.revision <> expected[a.n] THEN 2 ELSE 0 END)::smallint), array_agg(a.revision),
           array_agg(a.hash), array_agg(a.place)
        INTO verdicts, revisions, hashes, places
        FROM (SELECT n, coalesce(s.revision, 0) AS revision, coalesce(s.hash, nothing) AS hash, s.ctid AS place
              FROM generate_series(1, size) AS n
              LEFT JOIN LATERAL (SELECT t.ctid, t.revision, t.hash FROM streams AS t WHERE t.stream = streams[n]) AS s ON true
              ORDER BY n) AS a;
    IF leases IS NOT NULL THEN
        -- Whoever takes a lease waits for the same lock: what was decided under it before is written before, or never.
        SELECT array_agg(CASE WHEN leases[n] IS NOT NULL AND l.number IS DISTINCT FROM numbers[n]
                              THEN 3::smallint ELSE verdicts[n] END ORDER BY n)
            INTO verdicts
            FROM generate_series(1, size) AS n LEFT JOIN dragoman_log.leases AS l ON l.name = leases[n];
    END IF;

    SELECT l.position, l.recorded_at INTO last, at FROM live AS l ORDER BY l.position DESC LIMIT 1;
    IF last IS NULL THEN
        SELECT p.last, p.last_recorded_at INTO last, at FROM parts AS p ORDER BY p.number DESC LIMIT 1;
    END IF;
    last := coalesce(last, 0);
    at := greatest(clock, at);

    -- A command that is known has raised its stream, so that most are seen by the revision. One that was decided again,
    -- from where its stream is now, is seen by its key.
    is_sure := 2 = ANY (verdicts) OR 3 = ANY (verdicts);
    LOOP
        IF is_sure THEN
            SELECT array_agg(c.position ORDER BY n),
                   array_agg(CASE WHEN c.position IS NULL THEN verdicts[n] ELSE 1::smallint END ORDER BY n)
                INTO positions, verdicts
                FROM generate_series(1, size) AS n
                LEFT JOIN LATERAL (SELECT k.position FROM commands AS k WHERE k.first_event_id = keys[n]) AS c ON true;
        END IF;
        SELECT array_agg(a.first) INTO begins
            FROM (SELECT last + sum(counts[n]) FILTER (WHERE verdicts[n] = 0) OVER (ORDER BY n) - counts[n] AS first
                  FROM generate_series(1, size) AS n ORDER BY n) AS a;
        BEGIN
            INSERT INTO commands
                SELECT keys[n], begins[n] + counts[n] FROM generate_series(1, size) AS n WHERE verdicts[n] = 0;
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            IF is_sure THEN
                RAISE;
            END IF;
            is_sure := true;
        END;
    END LOOP;
    IF 1 = ANY (verdicts) THEN
        SELECT array_agg(e.fingerprint ORDER BY n), array_agg(coalesce(e.revision, revisions[n]) ORDER BY n),
               array_agg(coalesce(e.hash, hashes[n]) ORDER BY n)
            INTO known, revisions, hashes
            FROM generate_series(1, size) AS n
            LEFT JOIN LATERAL (SELECT v.fingerprint, v.revision, v.hash FROM events AS v
                               WHERE v.position = positions[n]) AS e ON true;
    END IF;

    at_bytes := chain_1 || int8send((extract(epoch FROM at) * 1000)::bigint) || length_32;
    IF cardinality(appends) = size THEN
        -- One event each, as most are: no chain is longer than a link.
        befores := hashes;
        SELECT array_agg(a.hash) INTO afters
            FROM (SELECT sha256(at_bytes || hashes[n] || length_32 || substr(digests, n * 32 - 31, 32)) AS hash
                  FROM generate_series(1, size) AS n ORDER BY n) AS a;
        ends := afters;
    ELSE
        WITH RECURSIVE chain AS (
            SELECT number, first, count, 0 AS ordinal, hash AS before,
                   sha256(at_bytes || hash || length_32 || substr(digests, first * 32 + 1, 32)) AS after
            FROM (SELECT n AS number, counts[n] AS count, hashes[n] AS hash,
                         (sum(counts[n]) OVER (ORDER BY n) - counts[n])::integer AS first
                  FROM generate_series(1, size) AS n) AS a
            UNION ALL
            SELECT number, first, count, ordinal + 1, after,
                   sha256(at_bytes || after || length_32 || substr(digests, (first + ordinal + 1) * 32 + 1, 32))
            FROM chain WHERE ordinal + 1 < count
        )
        SELECT array_agg(before), array_agg(after), array_agg(after) FILTER (WHERE ordinal + 1 = count)
            INTO befores, afters, ends FROM (SELECT * FROM chain ORDER BY first + ordinal) AS chain;
    END IF;

    INSERT INTO live
        SELECT begins[appends[n]] + ordinals[n] + 1, streams[appends[n]], expected[appends[n]] + ordinals[n] + 1,
               event_ids[n], event_types[n], schema_versions[n], at, tenants[appends[n]], actors[appends[n]],
               command_ids[n], fingerprints[appends[n]], ordinals[n], causation_ids[n], correlation_ids[n],
               traceparents[n], subject_keys[n], artefacts[n], data[n], befores[n], afters[n]
        FROM generate_series(1, cardinality(appends)) AS n
        WHERE verdicts[appends[n]] = 0;
    IF 0 = ANY (expected) THEN
        INSERT INTO streams
            SELECT streams[n], counts[n], ends[n], tenants[n], actors[n]
            FROM generate_series(1, size) AS n
            WHERE expected[n] = 0 AND verdicts[n] = 0;
    END IF;
    UPDATE streams AS s SET revision = a.revision, hash = a.hash
        FROM (SELECT places[n] AS place, expected[n] + counts[n] AS revision, ends[n] AS hash
              FROM generate_series(1, size) AS n
              WHERE expected[n] > 0 AND verdicts[n] = 0) AS a
        WHERE s.ctid = a.place;
    IF 0 = ANY (verdicts) THEN
        PERFORM pg_notify('dragoman_log', (last + sum(counts[n]))::text)
            FROM generate_series(1, size) AS n WHERE verdicts[n] = 0;
    END IF;
END $$;
