-- Casts: explicit, both ways where both make sense.
SET datestyle = 'ISO, YMD';

SELECT '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'::availability.dayset::datemultirange;
SELECT '{}'::availability.dayset::datemultirange;
SELECT '{[1970-01-01,2149-06-07)}'::availability.dayset::datemultirange;
SELECT '{[2027-01-01,2027-01-03),[2026-12-20,2026-12-27)}'::datemultirange::availability.dayset;
SELECT '{}'::datemultirange::availability.dayset;
SELECT raised($$SELECT '{[2026-12-20,2026-12-27),[2027-01-01,)}'::datemultirange::availability.dayset$$);
SELECT raised($$SELECT '{(,)}'::datemultirange::availability.dayset$$);
SELECT raised($$SELECT '{[1969-12-31,1970-01-02)}'::datemultirange::availability.dayset$$);

SELECT daterange('2026-12-20', '2026-12-27')::availability.dayset;
SELECT daterange('2026-12-20', '2026-12-26', '[]')::availability.dayset;
SELECT 'empty'::daterange::availability.dayset;
SELECT daterange('1970-01-01', '2149-06-07')::availability.dayset;
SELECT raised($$SELECT daterange('2026-12-20', NULL)::availability.dayset$$);
SELECT raised($$SELECT daterange(NULL, '2026-12-20')::availability.dayset$$);
SELECT raised($$SELECT daterange('2026-12-20', 'infinity')::availability.dayset$$);
SELECT raised($$SELECT daterange('-infinity', 'infinity', '[]')::availability.dayset$$);
SELECT raised($$SELECT daterange('2149-06-06', '2149-06-08')::availability.dayset$$);

SELECT ARRAY['2026-12-24', '2026-12-20', '2026-12-21', '2026-12-20']::date[]::availability.dayset;
SELECT '{{2026-12-24},{2026-12-25}}'::date[]::availability.dayset;
SELECT '{}'::date[]::availability.dayset;
SELECT raised($$SELECT ARRAY['2026-12-24', NULL]::date[]::availability.dayset$$);
SELECT raised($$SELECT ARRAY['2026-12-24', 'infinity']::date[]::availability.dayset$$);
SELECT raised($$SELECT ARRAY['1969-12-31']::date[]::availability.dayset$$);
SELECT '{[2026-12-30,2027-01-02),[2027-02-28,2027-03-02)}'::availability.dayset::date[];
SELECT '{}'::availability.dayset::date[];
SELECT cardinality('{[1970-01-01,2149-06-07)}'::availability.dayset::date[]);

SELECT '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'::availability.dayset::jsonb;
SELECT '{}'::availability.dayset::jsonb;
SELECT '{[2149-06-06,2149-06-07)}'::availability.dayset::jsonb;

SELECT '{[2026-12-20,2026-12-27)}'::availability.dayset::bytea;
SELECT '\x3b30000001000006000100475106 00'::bytea::availability.dayset;

SELECT NULL::daterange::availability.dayset IS NULL AND NULL::datemultirange::availability.dayset IS NULL
   AND NULL::date[]::availability.dayset IS NULL AND NULL::bytea::availability.dayset IS NULL
   AND NULL::availability.dayset::date[] IS NULL AND NULL::availability.dayset::jsonb IS NULL AS null_stays_null;

-- As functions too.
SELECT availability.dayset(daterange('2026-12-20', '2026-12-27'));
SELECT availability.dayset('{[2026-12-20,2026-12-27)}');

-- None is implicit, none is for assignment.
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE 'availability.dayset'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text, casttarget::regtype::text;
CREATE TEMP TABLE sets (days availability.dayset);
INSERT INTO sets VALUES (daterange('2026-12-20', '2026-12-27'));
DROP TABLE sets;

-- Toasted and compressed values read as any other.
SET search_path = public, availability;
CREATE TEMP TABLE large (id int, days dayset);
INSERT INTO large
SELECT 1, dayset_agg(day) FROM generate_series(0, 65534, 2) AS n, LATERAL (SELECT date '1970-01-01' + n) AS d (day);
INSERT INTO large
SELECT 2, dayset_agg(day) FROM generate_series(0, 5000) AS n,
    LATERAL (SELECT date '1970-01-01' + (n * n) % 65521) AS d (day);
SELECT id, length(days::bytea), pg_column_size(days) < length(days::bytea) AS compressed, booked_days(days),
       days::text::dayset = days AS by_text, days::datemultirange::dayset = days AS by_range,
       days::date[]::dayset = days AS by_date
FROM large ORDER BY id;
DROP TABLE large;
RESET search_path;
