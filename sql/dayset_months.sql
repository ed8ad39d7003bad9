-- One month: as bits and as a grid.
SET search_path = public, availability;
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE calendar AS SELECT dayset '{[2026-12-20,2026-12-27),[2026-12-31,2027-01-03),[2028-02-28,2028-03-02)}' AS booked;

SELECT month, month_bits(booked, month)
FROM calendar, unnest(ARRAY['2026-11-15', '2026-12-01', '2026-12-31', '2027-01-15', '2028-02-10', '2028-03-01']::date[]) AS m (month) ORDER BY month;
SELECT month_bits('{[1970-01-01,2149-06-07)}', '1970-01-31'), month_bits('{[1970-01-01,2149-06-07)}', '2027-02-01');
SELECT month_bits('{[1970-01-01,2149-06-07)}', '2149-06-30');
SELECT length(month_bits('{}', '2026-02-01')), pg_typeof(month_bits('{}', '2026-02-01'));
SELECT month_bits('{}', NULL) IS NULL;

SELECT month_calendar(booked, '2026-12-24') FROM calendar;
SELECT month_calendar(booked, '2027-01-01') FROM calendar;
SELECT month_calendar(booked, '2028-02-01') FROM calendar;
-- four weeks exactly, and six
SELECT month_calendar('{}', '2027-02-01');
SELECT month_calendar('[2026-08-01,2026-09-01)', '2026-08-31');
-- the first month and the last, which is supported in part
SELECT month_calendar('1970-01-01', '1970-01-01');
SELECT month_calendar('2149-06-06', '2149-06-30');

-- as psql shows it
\pset format aligned
\pset tuples_only off
SELECT month_calendar(booked, '2026-12-24') FROM calendar;

-- The grid speaks English whatever the locale and the DateStyle.
SET datestyle = 'German';
SELECT split_part(month_calendar(booked, '01.12.2026'), E'\n', 1) AS title FROM calendar;
SET datestyle = 'ISO, YMD';

SELECT month, raised(format('SELECT month_bits(''{}'', %L)', month)) AS bits, raised(format('SELECT month_calendar(''{}'', %L)', month)) AS calendar
FROM unnest(ARRAY['1969-12-31', '2149-07-01', 'infinity', '-infinity', '5874897-12-31', '4713-01-01 BC']::date[]) WITH ORDINALITY AS m (month, n) ORDER BY n;

-- The bits are the days, and no line of a grid ends in a blank.
WITH month AS (SELECT (date '2026-01-01' + n * interval '1 month')::date AS month, dayset(random_days(20, 9, 900)) AS days FROM generate_series(0, 35) AS n)
SELECT count(*) AS months,
       count(*) FILTER (WHERE bits <> (SELECT string_agg((month + i < month + interval '1 month' AND days @> (month + i))::int::text, '' ORDER BY i)
                                       FROM generate_series(0, 30) AS i)) AS wrong,
       count(*) FILTER (WHERE month_calendar(days, month) ~ ' (\n|$)') AS ragged
FROM month, LATERAL (SELECT month_bits(days, month)::text) AS b (bits);
DROP TABLE calendar;
RESET search_path;
