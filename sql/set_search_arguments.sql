-- What searches take and refuse, and whom.
SET client_min_messages = warning;
CREATE SCHEMA set_search_arguments;
SET search_path = set_search_arguments, availability;
SET datestyle = 'ISO';
CREATE ROLE regress_reader; CREATE ROLE regress_nobody; CREATE ROLE regress_keeper;
GRANT CREATE ON SCHEMA set_search_arguments TO regress_keeper;
GRANT USAGE ON SCHEMA set_search_arguments TO PUBLIC;
SET ROLE regress_keeper;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id text, stay daterange);
INSERT INTO reservations VALUES (1, 'dune', '[2140-01-01,2140-01-08)'), (2, 'heath', '[2140-01-05,2140-01-08)');
SELECT track('reservations', sets => true);
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE FUNCTION refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text; result text;
BEGIN
    EXECUTE query INTO result;
    RETURN result;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;
CREATE TABLE plain (id int PRIMARY KEY, listing_id int, stay daterange);
CREATE TABLE unindexed (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT track('unindexed');
SELECT refusal(q) FROM unnest(ARRAY[
    $$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$,
    $$SELECT free_set('reservations', 'empty')$$, $$SELECT free_set('reservations', '[2140-01-01,)')$$, $$SELECT count_free('reservations', '[1960-01-01,1960-01-03)')$$,
    $$SELECT free_set('reservations', NULL) IS NULL$$, $$SELECT count_free('reservations', NULL) IS NULL$$, $$SELECT free_set('plain', '[2140-01-01,2140-01-03)')$$,
    $$SELECT free_set('unindexed', '[2140-01-01,2140-01-03)')$$, $$SELECT fold('unindexed')$$, $$SELECT free_set(0::regclass, '[2140-01-01,2140-01-03)')$$,
    $$SELECT free_set('reservations', '[2140-01-01,2140-01-10)', 0)$$, $$SELECT free_set('reservations', '[2140-01-01,2140-01-10)', 10)$$, $$SELECT free_set('reservations', '[2120-01-01,2140-01-10)', 10)$$,
    $$SELECT count(*) FROM best_starts('reservations', '[2140-01-01,2140-01-10)', -1)$$, $$SELECT count(*) FROM best_starts('reservations', '[2140-01-01,2140-01-10)', 11)$$, $$SELECT count(*) FROM calendar_heat('reservations', NULL)$$,
    $$SELECT free_listings('reservations', '[2140-01-01,2140-01-03)')$$, $$SELECT free_listings('reservations', '[2140-01-01,2140-01-03)', listing => NULL::text)$$,
    $$SELECT free_listings('reservations', '[2140-01-01,2140-01-03)', listing => NULL::uuid)$$, $$SELECT count(*) FROM free_listings('reservations', '[2140-01-01,2140-01-03)', '{}', NULL::text)$$]) AS q;

-- who may
RESET ROLE;
GRANT EXECUTE ON FUNCTION refusal TO PUBLIC;
SET ROLE regress_nobody;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
SELECT refusal($$SELECT fold('reservations')$$);
SELECT refusal($$SELECT index_sets('unindexed')$$);
SELECT refusal($$SELECT unindex_sets('reservations')$$);
SELECT refusal($$SELECT count(*) FROM reservations_set$$);
SET ROLE regress_keeper;
GRANT SELECT (listing_id, ordinal, booked) ON reservations_calendar TO regress_reader;
SET ROLE regress_reader;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
SELECT refusal($$SELECT listing FROM free_listings('reservations', '[2140-01-01,2140-01-03)', listing => NULL::text) AS listing$$);
SET ROLE regress_keeper;
REVOKE SELECT (booked) ON reservations_calendar FROM regress_reader;
SET ROLE regress_reader;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
SET ROLE regress_keeper;
GRANT SELECT ON reservations_calendar TO regress_reader;
ALTER TABLE reservations_calendar ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON reservations_calendar TO regress_reader USING (listing_id = 'dune');
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
SET ROLE regress_reader;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
SELECT refusal($$SELECT count_free('reservations', '[2140-01-01,2140-01-03)')$$);
SELECT refusal($$SELECT count(*) FROM best_starts('reservations', '[2140-01-01,2140-01-08)', 2)$$);
-- the planner does not search for whom the executor refuses
SELECT refusal($$EXPLAIN (COSTS OFF) SELECT free_listings('reservations', '[2140-01-01,2140-01-03)', listing => NULL::text)$$);
RESET ROLE;
ALTER TABLE reservations_calendar FORCE ROW LEVEL SECURITY;
SET ROLE regress_keeper;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
INSERT INTO reservations VALUES (3, 'heath', '[2140-02-05,2140-02-08)');
SELECT fold('reservations');
SELECT count(*) FROM verify('reservations');
ALTER TABLE reservations_calendar NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reservations_calendar DISABLE ROW LEVEL SECURITY;

-- isolation levels that fold refuses
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refusal($$SELECT fold('reservations')$$);
SELECT refusal($$SELECT index_sets('unindexed')$$);
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
COMMIT;

-- companions that their owner altered: a clear error, or none
CREATE FUNCTION outcome(alteration text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE alteration;
    result := refusal(query);
    RAISE EXCEPTION USING MESSAGE = result, ERRCODE = 'P0001';
EXCEPTION WHEN raise_exception THEN
    RETURN regexp_replace(SQLERRM, 'OID \d+', 'OID N');
END
$$;
SELECT a, outcome(a, $$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$) AS search,
    outcome(a, $$INSERT INTO reservations VALUES (9, 'dune', '[2140-05-05,2140-05-08)') RETURNING id$$) AS booking, outcome(a, $$SELECT fold('reservations')$$) AS fold
FROM unnest(ARRAY['DROP TABLE reservations_set', 'DROP TABLE reservations_delta', 'ALTER TABLE reservations_set ALTER listings TYPE bytea USING listings::bytea', 'ALTER TABLE reservations_set DROP CONSTRAINT reservations_set_pkey',
    'ALTER TABLE reservations_delta ALTER ordinal TYPE bigint', 'ALTER TABLE reservations_delta ALTER booked TYPE bytea USING booked::bytea', 'ALTER TABLE reservations_delta SET UNLOGGED', 'ALTER TABLE reservations_set SET UNLOGGED',
    'ALTER TABLE reservations_delta ADD extra int', 'CREATE INDEX ON reservations_delta (ordinal)', 'ALTER TABLE reservations_delta ADD CHECK (ordinal > 0)',
    'ALTER TABLE reservations_set ADD extra int', 'DROP INDEX reservations_ordinal_idx', 'DROP INDEX reservations_ordinal_idx; UPDATE reservations_calendar SET version = version', 'TRUNCATE reservations_set', 'ALTER TABLE reservations_set RENAME day TO date']) AS a;
RESET ROLE;
ALTER TABLE reservations_set OWNER TO regress_nobody;
SELECT refusal($$SELECT free_set('reservations', '[2140-01-01,2140-01-03)')$$);
ALTER TABLE reservations_set OWNER TO regress_keeper;
DROP TABLE plain;
SELECT untrack('reservations'), untrack('unindexed');
DROP SCHEMA set_search_arguments CASCADE;
DROP ROLE regress_reader, regress_nobody, regress_keeper;
