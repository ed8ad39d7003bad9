-- Index and sequential scan give the same answers, for every strategy, on calendars of every kind, through inserts, updates,
-- deletes, splits and VACUUM, with a sorted build and row by row.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA gist_answers;
SET search_path = gist_answers, public, availability;
SELECT setseed(0.3) \gset

CREATE TABLE calendars (id int, d dayset);
INSERT INTO calendars SELECT n, random_days(6, 60, 400)::dayset FROM generate_series(1, 2500) AS n;
INSERT INTO calendars SELECT n, random_days(12, 7, 400)::dayset FROM generate_series(2501, 4000) AS n;
INSERT INTO calendars SELECT n, '{[2026-01-01,2027-03-01)}' FROM generate_series(4001, 4400) AS n;
INSERT INTO calendars SELECT n, '{}' FROM generate_series(4401, 4600) AS n;
INSERT INTO calendars SELECT n, NULL FROM generate_series(4601, 4650) AS n;
-- too many runs for a key
INSERT INTO calendars SELECT 5000 + s, (SELECT dayset_agg(date '2026-01-01' + 5 * n + (n * s) % 3) FROM generate_series(0, 4000) AS n) FROM generate_series(1, 12) AS s;
INSERT INTO calendars VALUES (6001, '{[1970-01-01,1970-01-02),[2149-06-06,2149-06-07)}'), (6002, '{[1970-01-01,2149-06-07)}');

-- What a condition gives by an index and without: 'same' or the difference. Conditions are over d, $1 a range, $2 a set, $3 a day.
CREATE FUNCTION compared(condition text, r daterange, s dayset, day date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    by_index int[];
    by_scan int[];
    line text;
    plan text := '';
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = on;
    EXECUTE 'SELECT array_agg(id ORDER BY id) FROM calendars WHERE ' || condition INTO by_index USING r, s, day;
    FOR line IN EXECUTE 'EXPLAIN SELECT id FROM calendars WHERE ' || replace(replace(replace(condition, '$1', quote_literal(r) || '::daterange'), '$2', quote_literal(s) || '::dayset'), '$3', quote_literal(day) || '::date') LOOP
        plan := plan || line;
    END LOOP;
    IF plan !~ 'Index Scan' THEN RETURN 'no index: ' || condition; END IF;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_indexscan = off;
    EXECUTE 'SELECT array_agg(id ORDER BY id) FROM calendars WHERE ' || condition INTO by_scan USING r, s, day;
    SET LOCAL enable_indexscan = on;
    RETURN CASE WHEN by_index IS NOT DISTINCT FROM by_scan THEN 'same' ELSE format('%s: %s rows by index, %s by scan', condition, cardinality(by_index), cardinality(by_scan)) END;
END $$;
CREATE FUNCTION compare_all(queries int) RETURNS TABLE (result text, times bigint) LANGUAGE sql AS $$
    SELECT compared(condition, r, s, day), count(*)
    FROM (SELECT CASE n % 20 WHEN 0 THEN daterange(NULL, first_day) WHEN 1 THEN daterange(first_day, NULL) WHEN 2 THEN 'empty' WHEN 3 THEN '(,)'
                 ELSE daterange(first_day, first_day + 1 + floor(random() * random() * 90)::int) END AS r,
                 CASE WHEN n % 3 = 0 THEN (SELECT coalesce(union_agg(c.d), '{}') FROM calendars AS c WHERE c.id = n % 4650 + 1) ELSE random_days(3, 9, 400)::dayset END AS s,
                 first_day + 1 AS day
          FROM (SELECT n, CASE WHEN n % 30 = 5 THEN date '1970-01-01' WHEN n % 30 = 6 THEN date '2149-06-06' ELSE date '2025-12-01' + floor(random() * 500)::int END AS first_day
                FROM generate_series(1, queries) AS n) AS days) AS query,
         unnest(ARRAY['d && $1', 'd !&& $1', 'd @> $1', 'd && $2', 'd !&& $2', 'd @> $2', 'd = $2', 'd @> $3']) AS condition
    GROUP BY 1 ORDER BY 1
$$;

-- sorted build
CREATE INDEX calendars_d ON calendars USING gist (d);
SELECT * FROM compare_all(60);
-- changes
INSERT INTO calendars SELECT 10000 + n, random_days(6, 60, 400)::dayset FROM generate_series(1, 1500) AS n;
UPDATE calendars SET d = random_days(6, 60, 400)::dayset WHERE id % 5 = 0;
UPDATE calendars SET d = d + daterange('2026-07-01', '2026-07-08') WHERE id % 7 = 0;
DELETE FROM calendars WHERE id % 11 = 0;
SELECT * FROM compare_all(30);
VACUUM calendars;
SELECT * FROM compare_all(30);
-- row by row
CREATE TABLE copied (LIKE calendars);
CREATE INDEX copied_d ON copied USING gist (d);
INSERT INTO copied SELECT * FROM calendars ORDER BY id % 97, id;
ALTER TABLE calendars RENAME TO gone;
ALTER TABLE copied RENAME TO calendars;
SELECT * FROM compare_all(40);
REINDEX INDEX copied_d;
SELECT * FROM compare_all(30);
-- a range that is none of days
SET enable_seqscan = off;
SELECT count(*) FROM calendars WHERE d && int4range(1, 5);
RESET enable_seqscan;
DROP SCHEMA gist_answers CASCADE;
