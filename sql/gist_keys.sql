-- The inside of an index: each inner key covers what is below it, and leaves have their calendars.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE EXTENSION pageinspect;
CREATE SCHEMA gist_keys;
SET search_path = gist_keys, public, availability;
SELECT setseed(0.4) \gset

-- All tuples of an index, with the block that they point to; a key prints as any/all, or as one set when they are the same.
CREATE FUNCTION keys(index regclass) RETURNS TABLE (block bigint, is_leaf boolean, child bigint, any_day dayset, every_day dayset) LANGUAGE sql AS $$
    SELECT b, NOT EXISTS (SELECT FROM gist_page_opaque_info(get_raw_page(index::text, b::int)) AS o WHERE 'leaf' <> ALL (o.flags) OR o.flags = '{}'),
           (i.ctid::text::point)[0]::bigint, split_part(key, '/', 1)::dayset, split_part(key, '/', -1)::dayset
    FROM generate_series(0, pg_relation_size(index) / current_setting('block_size')::int - 1) AS b,
         gist_page_items(get_raw_page(index::text, b::int), index) AS i,
         LATERAL (SELECT substring(i.keys FROM '[{].*[}]') AS key) AS k
$$;
CREATE FUNCTION check_keys(index regclass) RETURNS TABLE (levels boolean, wrong_any bigint, wrong_all bigint) LANGUAGE sql AS $$
    WITH k AS MATERIALIZED (SELECT * FROM keys(index))
    SELECT count(*) > 5, count(*) FILTER (WHERE NOT up.any_day @> down.any_day), count(*) FILTER (WHERE NOT down.every_day @> up.every_day)
    FROM k AS up JOIN k AS down ON down.block = up.child WHERE NOT up.is_leaf
$$;

CREATE TABLE calendars (id int, d dayset);
INSERT INTO calendars SELECT n, random_days(6, 60, 400)::dayset FROM generate_series(1, 6000) AS n;
INSERT INTO calendars SELECT n, (SELECT dayset_agg(date '2026-01-01' + 5 * s + (s * n) % 3) FROM generate_series(0, 4000) AS s) FROM generate_series(1, 6) AS n;
CREATE INDEX sorted ON calendars USING gist (d);
SELECT * FROM check_keys('sorted');
CREATE TABLE grown (LIKE calendars);
CREATE INDEX one_by_one ON grown USING gist (d);
INSERT INTO grown SELECT * FROM calendars ORDER BY id % 17, id;
UPDATE grown SET d = d - daterange('2026-03-01', '2026-05-01') WHERE id % 3 = 0;
DELETE FROM grown WHERE id % 4 = 0;
VACUUM grown;
INSERT INTO grown SELECT n, random_days(3, 20, 400)::dayset FROM generate_series(1, 2000) AS n;
SELECT * FROM check_keys('one_by_one');
-- a leaf has its calendar, or covers it
SELECT count(*) FILTER (WHERE any_day = every_day) > 5900 AS exact, count(*) FILTER (WHERE any_day <> every_day) AS coarse,
       count(*) FILTER (WHERE NOT any_day @> every_day) AS wrong, max(pg_column_size(any_day)) < 1000 AS small
FROM keys('sorted') WHERE is_leaf;
SELECT (SELECT array_agg(any_day ORDER BY any_day) FROM keys('sorted') WHERE is_leaf AND any_day = every_day)
     = (SELECT array_agg(d ORDER BY d) FROM calendars WHERE booked_days(d) < 3000) AS the_same;

-- nobody makes keys by hand
SELECT raised($$SELECT '{}'::availability.dayset_key$$);
DROP SCHEMA gist_keys CASCADE;
DROP EXTENSION pageinspect;
