-- Operators, measures, members, order and aggregates of sets of listings.
SET client_min_messages = warning;
CREATE SCHEMA listing_set_operators;
SET search_path = listing_set_operators, availability;
\set VERBOSITY terse
SELECT s @> 5 AS has_5, s @> 6 AS has_6, s @> 70000 AS has_70000, s @> -1 AS has_negative, s @> '{5,70000}'::listing_set AS has_both, s @> '{}'::listing_set AS has_none,
    s @> '{5,6}'::listing_set AS has_more, s && '{6,70000}'::listing_set AS overlaps, s !&& '{6,70000}'::listing_set AS disjoint, s && '{}'::listing_set AS overlaps_none
FROM (SELECT '{1-5,70000}'::listing_set AS s) AS q;
SELECT s + 6 AS plus, s + 5 AS plus_own, s + 200000 AS plus_after, s + 65536 AS plus_between, s - 5 AS minus, s - 70000 AS minus_last, s - 6 AS minus_other, s - 300000 AS minus_after, '{}'::listing_set + 7 AS first,
    '{7}'::listing_set - 7 AS none, '{65536}'::listing_set + 3 AS before
FROM (SELECT '{1-5,70000}'::listing_set AS s) AS q;
SELECT '{1}'::listing_set + -1;
SELECT a + b AS both, a * b AS common, a - b AS rest, b - a AS other_rest, a * '{}'::listing_set AS none, a + '{}'::listing_set AS own
FROM (SELECT '{1-5,70000}'::listing_set AS a, '{4-6,70000,200000}'::listing_set AS b) AS q;
SELECT count(s), is_empty(s), is_empty('{}'::listing_set), count('{}'::listing_set) FROM (SELECT '{1-5,70000}'::listing_set AS s) AS q;
SELECT members('{1-3,65535,65536,2147483647}'::listing_set);
SELECT members('{}'::listing_set);
SELECT members(NULL);
SELECT sum(m::bigint) FROM members('{10-100000}'::listing_set) AS m;

-- order: smaller sets first; equality by members, whatever came in
SELECT s FROM (VALUES ('{5}'::listing_set), ('{}'), ('{1,2}'), ('{1}'), ('{1-100}'), ('{1,2}')) AS v (s) ORDER BY s;
SELECT s, count(*) FROM (VALUES ('{2,1}'::listing_set), ('{}'), ('{1,2}'), ('{}')) AS v (s) GROUP BY s ORDER BY s;
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge FROM (VALUES ('{1}'::listing_set, '{1}'::listing_set), ('{1}', '{2}'), ('{3}', '{1,2}')) AS v (a, b);
CREATE TABLE markets (market int, listings listing_set UNIQUE);
INSERT INTO markets VALUES (1, '{1-5}'), (2, '{6-9}');
INSERT INTO markets VALUES (3, '{1,2,3,4,5}');
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM markets AS a JOIN markets AS b USING (listings);
RESET enable_mergejoin; RESET enable_nestloop;

-- aggregates, by one process and by several
SELECT listing_set_agg(n) FROM generate_series(1, 10) AS n WHERE n <> 4;
SELECT listing_set_agg(n) IS NULL AS none, union_agg(NULL::listing_set) IS NULL AS no_union, intersect_agg(NULL::listing_set) IS NULL AS no_intersection FROM (VALUES (NULL::int)) AS v (n);
SELECT listing_set_agg(-1);
SELECT union_agg(listings), intersect_agg(listings) FROM (VALUES ('{1-5}'::listing_set), (NULL), ('{4-9,70000}'), ('{5,4}')) AS v (listings);
SELECT n % 2 AS odd, union_agg(listings) OVER (PARTITION BY n % 2 ORDER BY n) FROM (VALUES (1, '{1}'::listing_set), (2, '{2}'), (3, '{3}'), (5, '{5}')) AS v (n, listings);
CREATE TABLE numbers AS SELECT n, (n * 7919) % 200000 AS ordinal FROM generate_series(1, 20000) AS n;
CREATE TABLE sets AS SELECT n % 100 AS market, listing_set_agg(ordinal) AS listings, count(DISTINCT ordinal) AS members FROM numbers GROUP BY 1;
SELECT count(*) AS wrong FROM sets WHERE count(listings) <> members;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT listing_set_agg(ordinal) FROM numbers;
SELECT listing_set_agg(ordinal) = (SELECT array_agg(DISTINCT ordinal)::listing_set FROM numbers) AS same FROM numbers;
SELECT union_agg(listings) = (SELECT array_agg(DISTINCT ordinal)::listing_set FROM numbers) AS same, intersect_agg(listings + '{5,100000}'::listing_set) * '{5,100000}' AS common FROM sets;

-- what the planner is told of a set that it knows
CREATE FUNCTION estimated_rows(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END
$$;
RESET max_parallel_workers_per_gather;
CREATE TABLE listings (ordinal int PRIMARY KEY, price int);
INSERT INTO listings SELECT n, n % 97 FROM generate_series(1, 20000) AS n;
VACUUM ANALYZE listings;
SELECT estimated_rows('SELECT * FROM listings WHERE availability.listing_set ''{1-5000}'' OPERATOR(availability.@>) ordinal') AS quarter, estimated_rows('SELECT availability.members(''{1-500}'')') AS members;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT * FROM listings WHERE '{7,19000-19005}'::listing_set @> ordinal;
SELECT * FROM listings WHERE '{7,19000-19005,30000}'::listing_set @> ordinal ORDER BY ordinal;
EXPLAIN (COSTS OFF) SELECT * FROM listings WHERE '{1-10000}'::listing_set @> ordinal;
SELECT count(*) FROM listings WHERE '{1-10000}'::listing_set @> ordinal;
DROP SCHEMA listing_set_operators CASCADE;
