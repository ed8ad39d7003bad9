-- Searches of the sets, before and after a fold, beside the calendars themselves.
SET client_min_messages = warning;
CREATE SCHEMA set_search;
SET search_path = set_search, availability;
SET datestyle = 'ISO';
\set VERBOSITY terse
CREATE TABLE homes (id int PRIMARY KEY, market int);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES homes ON DELETE CASCADE, stay daterange);
INSERT INTO homes SELECT n, n % 3 FROM generate_series(1, 12) AS n;
SELECT track('reservations');
SELECT free_set('reservations', '[2140-01-01,2140-01-08)');
INSERT INTO reservations SELECT n, n, daterange(date '2140-01-01' + n, date '2140-01-04' + n) FROM generate_series(1, 8) AS n;
SELECT index_sets('reservations');
SELECT index_sets('reservations');
SELECT sets, delta FROM tracked;

-- each search beside what the calendars say: zero rows are right
CREATE FUNCTION differences() RETURNS TABLE (search text, found text, expected text) LANGUAGE sql AS $$
    WITH asked AS MATERIALIZED (SELECT daterange(date '2139-12-30' + f, date '2139-12-30' + f + n) AS wanted FROM generate_series(0, 16, 3) AS f, unnest(ARRAY[1, 2, 5, 9]) AS n)
    SELECT 'free_set ' || wanted, free_set('reservations', wanted)::text, coalesce(e, '{}')::text
    FROM asked, LATERAL (SELECT listing_set_agg(ordinal) AS e FROM reservations_calendar WHERE is_available(booked, wanted)) AS c WHERE free_set('reservations', wanted) <> coalesce(e, '{}')
    UNION ALL SELECT 'count_free ' || wanted, count_free('reservations', wanted, '{2-7,30}')::text, e::text
    FROM asked, LATERAL (SELECT count(*) AS e FROM reservations_calendar WHERE is_available(booked, wanted) AND '{2-7,30}'::listing_set @> ordinal) AS c WHERE count_free('reservations', wanted, '{2-7,30}') <> e
    UNION ALL SELECT 'free_listings ' || wanted, f::text, e::text
    FROM asked, LATERAL (SELECT array_agg(listing_id::bigint ORDER BY listing_id) AS e FROM reservations_calendar WHERE is_available(booked, wanted)) AS c,
        LATERAL (SELECT array_agg(l ORDER BY l) AS f FROM free_listings('reservations', wanted) AS l) AS l WHERE f IS DISTINCT FROM e
    UNION ALL SELECT 'within ' || n, f::text, e::text FROM unnest(ARRAY[1, 2, 3, 5, 8, 14]) AS n, LATERAL (SELECT free_set('reservations', '[2140-01-01,2140-01-15)', n) AS f) AS f,
        LATERAL (SELECT coalesce(listing_set_agg(ordinal), '{}') AS e FROM reservations_calendar WHERE EXISTS (SELECT FROM gaps(booked, '[2140-01-01,2140-01-15)', n))) AS e WHERE f <> e
    UNION ALL SELECT format('starts %s %s', check_in, n), free::text, e::text FROM unnest(ARRAY[1, 2, 5, 14]) AS n, LATERAL best_starts('reservations', '[2140-01-01,2140-01-15)', n) AS s,
        LATERAL (SELECT count(*) AS e FROM reservations_calendar WHERE is_available(booked, daterange(check_in, check_in + n))) AS e WHERE free <> e
    UNION ALL SELECT format('heat %s', day), open::text, e::text FROM calendar_heat('reservations', '[2139-12-31,2140-01-15)', '{1-5}') AS h,
        LATERAL (SELECT count(*) AS e FROM reservations_calendar WHERE '{1-5}'::listing_set @> ordinal AND NOT booked @> day) AS e WHERE open <> e
$$;
SELECT * FROM differences();
SELECT free_set('reservations', '[2140-01-04,2140-01-06)'), count_free('reservations', '[2140-01-04,2140-01-06)'), count_free('reservations', '[2140-01-04,2140-01-06)', '{1-9}');
SELECT * FROM best_starts('reservations', '[2140-01-01,2140-01-08)', 3, '{1-9}');
SELECT * FROM calendar_heat('reservations', '[2140-01-01,2140-01-08)');
SELECT count(*) AS in_delta FROM reservations_delta;

-- everything that changes a calendar: bookings, moves, cancellations, holds, listings that come and go, a rolled back savepoint
INSERT INTO reservations VALUES (20, 9, '[2140-01-02,2140-01-05)'), (21, 10, '[2140-01-02,2140-01-05)');
SELECT * FROM differences();
UPDATE reservations SET listing_id = 12 WHERE id = 21;
UPDATE reservations SET stay = '[2140-01-08,2140-01-10)' WHERE id = 20;
DELETE FROM reservations WHERE id = 3;
INSERT INTO homes VALUES (13, 0);
DELETE FROM homes WHERE id = 5;
SELECT hold('reservations', 13, '[2140-01-01,2140-01-02)') IS NOT NULL AS held;
SELECT * FROM differences();
BEGIN;
INSERT INTO reservations VALUES (30, 1, '[2140-01-08,2140-01-09)');
SELECT * FROM differences();
SAVEPOINT s;
INSERT INTO reservations VALUES (31, 2, '[2140-01-08,2140-01-09)');
SELECT count_free('reservations', '[2140-01-08,2140-01-09)');
ROLLBACK TO s;
SELECT count_free('reservations', '[2140-01-08,2140-01-09)');
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();
SELECT * FROM verify('reservations');
SELECT count(DISTINCT ordinal) AS listings FROM reservations_delta;

-- folds: some, then the rest, then nothing
SELECT fold('reservations', 2);
SELECT * FROM differences();
SELECT fold('reservations');
SELECT * FROM differences();
SELECT fold('reservations');
SELECT count(*) AS in_delta FROM reservations_delta;
SELECT * FROM verify('reservations');
SELECT block, listings FROM reservations_set WHERE day = '-infinity';
SELECT fold('reservations', 0);

-- set-wise changes
TRUNCATE reservations;
SELECT * FROM differences();
SELECT count_free('reservations', '[2140-01-01,2140-02-01)');
SELECT fold('reservations');
SELECT * FROM differences();
INSERT INTO reservations SELECT n, n, daterange(date '2140-01-01' + n, date '2140-01-04' + n) FROM generate_series(1, 4) AS n;
-- by hand: a version that does not grow is looked up
UPDATE reservations_calendar SET booked = booked + daterange('2140-03-01', '2140-03-03'), version = 1 WHERE listing_id = 2;
SELECT * FROM differences();
UPDATE reservations_calendar SET ordinal = 100 WHERE listing_id = 2;
SELECT * FROM differences();
SELECT fold('reservations');
SELECT * FROM differences();
-- nor does an index entry say any more whose calendar it was
UPDATE reservations_calendar SET listing_id = 99 WHERE listing_id = 2;
SELECT * FROM differences();
SELECT free_listings('reservations', '[2140-01-01,2140-01-02)', '{100}'), free_listings('reservations', '[2140-01-01,2140-01-02)', '{1}', NULL::text);
UPDATE reservations_calendar SET listing_id = 2 WHERE listing_id = 99;
SELECT repair('reservations');
SELECT * FROM verify('reservations');
SELECT * FROM differences();
-- long calendars are looked up as well
INSERT INTO reservations SELECT 1000 + n, 7, daterange(date '2141-01-01' + 2 * n, date '2141-01-02' + 2 * n) FROM generate_series(1, 300) AS n;
SELECT count(*) FILTER (WHERE booked IS NULL) > 20 AS lookups FROM reservations_delta;
SELECT * FROM differences();
SELECT fold('reservations');
SELECT count_free('reservations', '[2141-01-03,2141-01-04)'), count_free('reservations', '[2141-01-04,2141-01-05)');

-- stays that begin before the sets are searched calendar by calendar
INSERT INTO reservations VALUES (5000, 4, '[2001-01-01,2001-01-08)');
SELECT free_set('reservations', '[2001-01-03,2001-01-04)'), count_free('reservations', '[2001-01-03,2001-01-04)', '{1-5}');
SELECT fold('reservations');
SELECT free_set('reservations', '[2001-01-03,2001-01-04)');

-- another way to fill them; and without
SELECT unindex_sets('reservations');
SELECT unindex_sets('reservations');
SELECT sets, delta FROM tracked;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'reservations_calendar'::regclass AND tgname ~ 'sets';
INSERT INTO reservations VALUES (6000, 6, '[2140-01-06,2140-01-08)');
SELECT index_sets('reservations', fill => false);
INSERT INTO reservations VALUES (6001, 6, '[2140-01-09,2140-01-10)');
SELECT * FROM differences();
SELECT fold('reservations');
SELECT * FROM differences();
TRUNCATE reservations_set;
SELECT * FROM differences();
SELECT fold('reservations', 1);
SELECT * FROM differences();
SELECT count(*) FROM verify('reservations');
SELECT untrack('reservations');
SELECT relname FROM pg_class WHERE relname ~ '^reservations_' ORDER BY 1;
DELETE FROM reservations;
SELECT track('reservations', sets => true, day_rows => false);
INSERT INTO reservations SELECT n, n, daterange(date '2140-01-01' + n, date '2140-01-04' + n) FROM generate_series(1, 4) AS n;
SELECT * FROM differences();
SELECT fold('reservations');
SELECT * FROM differences();

-- what the planner is told, and that a query searches once: scans of the sets' key by a search of every row, and by one
CREATE FUNCTION estimated_rows(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END
$$;
INSERT INTO homes SELECT n FROM generate_series(100, 299) AS n;
VACUUM ANALYZE reservations_calendar;
SELECT estimated_rows($$SELECT * FROM free_listings('reservations', '[2140-01-01,2140-01-04)')$$) AS free_listings, estimated_rows($$SELECT * FROM free_listings('reservations', '[2140-01-01,2140-01-04)', '{1-9}')$$) AS among,
    estimated_rows($$SELECT * FROM best_starts('reservations', '[2140-01-01,2140-01-08)', 3)$$) AS starts, estimated_rows($$SELECT * FROM calendar_heat('reservations', '[2140-01-01,2140-02-01)')$$) AS heat,
    estimated_rows($$SELECT * FROM reservations_calendar WHERE free_set('reservations', '[2140-01-01,2140-01-04)') @> ordinal$$) AS rows,
    (SELECT count(*) FROM reservations_calendar WHERE is_available(booked, '[2140-01-01,2140-01-04)')) AS free;
SELECT fold('reservations');
BEGIN;
PREPARE of_each_row (date) AS SELECT count(*) FROM reservations_calendar WHERE free_set('reservations', daterange($1, $1 + 3)) @> ordinal;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT pg_stat_get_xact_numscans('reservations_set_pkey'::regclass) AS before \gset
EXECUTE of_each_row('2140-01-01');
SELECT pg_stat_get_xact_numscans('reservations_set_pkey'::regclass) AS between \gset
SELECT count_free('reservations', '[2140-01-05,2140-01-08)');
SELECT :between - :before AS scans_for_each_row, pg_stat_get_xact_numscans('reservations_set_pkey'::regclass) - :between AS scans_for_one;
COMMIT;
BEGIN;
-- which scan is cheapest differs between server versions
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_indexonlyscan = off;
EXPLAIN (COSTS OFF) SELECT listing_id FROM reservations_calendar WHERE free_set('reservations', '[2140-01-01,2140-01-04)') * '{1-3}' @> ordinal;
COMMIT;
DEALLOCATE of_each_row;

-- DROP … CASCADE takes them along
DROP TABLE reservations CASCADE;
SELECT relname FROM pg_class WHERE relnamespace = 'set_search'::regnamespace AND relname ~ 'reservations' ORDER BY 1;
SELECT count(*) FROM tracked WHERE reservations::text ~ 'set_search';
DROP SCHEMA set_search CASCADE;
