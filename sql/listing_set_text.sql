-- The text and binary forms of sets of listings.
SET client_min_messages = warning;
CREATE SCHEMA listing_set_text;
SET search_path = listing_set_text, availability;
\set VERBOSITY terse
SELECT t::listing_set FROM unnest(ARRAY['{}', ' { } ', '{1}', '{1,2}', '{1,2,3}', '{9-11,1,2,5,6,7-8,4}', '{ 3 - 3 , 0 }', '{65530-65540}', '{2147483647,0}', '{5,5,5,4-6}']) AS t;
SELECT count('{0-2147483647}'::listing_set), '{0-2147483647}'::listing_set::text;
CREATE FUNCTION refusal(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN $1::availability.listing_set::text;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END
$$;
SELECT refusal(t) FROM unnest(ARRAY['', '1,2', '{1', '{1,}', '{,1}', '{-1}', '{1-}', '{1 2}', '{}x', '{1}é}', '{2147483648}', '{1-99999999999999999999}', '{9-5}', '{NULL}', '[1,5)']) AS t;

-- the bytes: a portable Roaring bitmap, canonical whatever came in
SELECT encode(t::listing_set::bytea, 'hex') FROM unnest(ARRAY['{}', '{1,3}', '{5-50}', '{65530-65540}']) AS t;
SELECT s, s::bytea = '\x3a300000010000000000020010000000010002000300'::bytea AS unchanged FROM (SELECT '\x3a300000010000000000020010000000010002000300'::bytea::listing_set AS s) AS q;
CREATE FUNCTION refusal(bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN $1::availability.listing_set::text;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END
$$;
SELECT refusal(t::bytea) FROM unnest(ARRAY['\x', '\x3a300000', '\x3c30000000000000', '\x3a3000000100000000', '\x3a3000000100000000800000100000000100', '\x3a30000001000000000001001000000005000500', '\x3a30000000000000ff']) AS t;
SELECT s = listing_set_recv_of AS round_trip FROM (SELECT '{1,2,5-9,70000,200000-300000}'::listing_set AS s) AS q, LATERAL (SELECT listing_set_send(s)::listing_set AS listing_set_recv_of) AS r;
COPY (SELECT '{1,2,5-9,70000}'::listing_set) TO '/dev/null' (FORMAT binary);

-- arrays
SELECT '{}'::int[]::listing_set, '{3,1,2,3,70000}'::int[]::listing_set, '{1,2,5-9}'::listing_set::int[], '{}'::listing_set::int[], ARRAY[[1,2],[3,4]]::listing_set;
SELECT ARRAY[1, NULL]::listing_set;
SELECT ARRAY[1, -1]::listing_set;
SELECT '{0-2147483647}'::listing_set::int[];
DROP SCHEMA listing_set_text CASCADE;
