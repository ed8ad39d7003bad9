-- Row estimates from what ANALYZE keeps: of stays of any length at any time of the year, and of what is not known when planning.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA dayset_statistics;
SET search_path = dayset_statistics, public, availability;
SELECT setseed(0.7) \gset

-- Calendars with long runs: winter closed for many, weekends and weeks for others, some full, some never booked.
CREATE TABLE homes (id int, booked dayset);
INSERT INTO homes SELECT n, random_days(7, 60, 365)::dayset FROM generate_series(1, 12000) AS n;
INSERT INTO homes SELECT n, '{[2026-01-01,2026-04-01),[2026-11-01,2027-01-01)}' FROM generate_series(1, 4000) AS n;
INSERT INTO homes SELECT n, '{[2026-01-01,2027-01-01)}' FROM generate_series(1, 2500) AS n;
INSERT INTO homes SELECT n, '{}' FROM generate_series(1, 700) AS n;
INSERT INTO homes SELECT n, NULL FROM generate_series(1, 800) AS n;
-- one that was blocked for decades is not the horizon
INSERT INTO homes VALUES (0, '{[1999-01-01,2099-01-01)}');

CREATE FUNCTION estimated(condition text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT * FROM homes WHERE ' || condition INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
-- before ANALYZE there is a guess
SELECT estimated($$is_available(booked, '[2026-07-04,2026-07-11)')$$) > 0 AS guessed;
ANALYZE homes;

-- How far the estimates are from the truth at worst, as a factor.
SELECT nights, max(greatest(free / guess, guess / free)) < 1.5 AS free_within, max(greatest(taken / other, other / taken)) < 2 AS booked_within
FROM (SELECT nights, estimated(format('is_available(booked, %L)', stay)) AS guess, estimated(format('is_booked(booked, %L)', stay)) AS other,
             (SELECT count(*) FROM homes WHERE is_available(booked, stay))::float8 AS free, (SELECT count(*) FROM homes WHERE is_booked(booked, stay))::float8 AS taken
      FROM unnest('{1,3,7,14,28}'::int[]) AS nights, generate_series(0, 360, 30) AS start, LATERAL (SELECT daterange(date '2026-01-01' + start, date '2026-01-01' + start + nights) AS stay) AS s) AS e
GROUP BY nights ORDER BY nights;
-- the operators, with everything that may stand on their right
SELECT condition, estimated(condition) / greatest((xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM homes WHERE ' || condition, false, true, '')))[1]::text::float8, 100) BETWEEN 0.5 AND 2 AS near
FROM unnest(ARRAY['booked && daterange ''[2026-07-04,2026-07-11)''', 'booked !&& daterange ''[2026-07-04,2026-07-11)''', 'booked @> daterange ''[2026-01-04,2026-03-11)''',
                  'booked @> date ''2026-02-01''', 'booked && dayset ''{[2026-02-01,2026-02-03),[2026-07-01,2026-07-02)}''', 'booked !&& daterange ''empty''', 'booked && daterange ''(,)''',
                  'booked = ''{[2026-01-01,2027-01-01)}''']) AS condition;
-- what would be an error, or is nothing
SELECT estimated('is_available(booked, ''empty'')') > 0 AS empty, estimated('is_booked(booked, ''[2026-01-01,)'')') > 0 AS unbounded, estimated('is_available(booked, NULL)') AS no_stay,
       estimated('is_available(booked, ''[2040-01-01,2040-01-08)'')') > 17000 AS beyond, raised('SELECT estimated(''booked && int4range(1, 3)'')') AS other_range;
-- a stay that is not known yet is a usual one
SET plan_cache_mode = force_generic_plan;
PREPARE free (daterange) AS SELECT * FROM homes WHERE is_available(booked, $1);
CREATE FUNCTION estimated_generic() RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) EXECUTE free(NULL)' INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT estimated_generic() / (SELECT avg(n) FROM (SELECT count(*) AS n FROM homes, generate_series(0, 350, 25) AS start WHERE is_available(booked, daterange(date '2026-01-01' + start, date '2026-01-08' + start)) GROUP BY start) AS weeks) BETWEEN 0.67 AND 1.5 AS usual;
RESET plan_cache_mode;

-- the readable view: every day of the horizon
SELECT count(*) BETWEEN 365 AND 460 AS days, min(day) >= '2025-12-01' AS from_january, bool_and(share BETWEEN 0 AND 1) AS shares FROM booked_share('homes');
SELECT max(abs(s.share - t.share)) < 0.03 AS near
FROM booked_share('homes') AS s JOIN (SELECT day::date, (SELECT avg((booked @> day::date)::int) FROM homes WHERE booked IS NOT NULL) AS share FROM generate_series('2026-01-15', '2026-12-15', interval '1 month') AS day) AS t USING (day);
-- of a tracked table it is that of its calendars
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT track('reservations');
INSERT INTO reservations VALUES (1, 1, '[2026-07-01,2026-07-03)'), (2, 2, '[2026-07-02,2026-07-04)');
SELECT * FROM booked_share('reservations');
ANALYZE reservations_calendar;
SELECT * FROM booked_share('reservations');
-- who may not read the calendars may not read this
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA dayset_statistics TO regress_reader;
SET ROLE regress_reader;
SELECT * FROM booked_share('homes');
RESET ROLE;
GRANT SELECT ON homes TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) > 0 AS granted FROM booked_share('homes');
RESET ROLE;
ALTER TABLE homes ENABLE ROW LEVEL SECURITY;
SET ROLE regress_reader;
SELECT * FROM booked_share('homes');
RESET ROLE;
SELECT raised($$SELECT booked_share('pg_class')$$);
CREATE TABLE two (a dayset, b dayset);
SELECT raised($$SELECT booked_share('two')$$);
-- nothing to analyse
ANALYZE two;
INSERT INTO two VALUES ('{}', NULL), ('{}', NULL);
ANALYZE two;
SELECT untrack('reservations');
DROP SCHEMA dayset_statistics CASCADE;
DROP ROLE regress_reader;
