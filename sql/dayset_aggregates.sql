-- Aggregates: alone, grouped, parallel and as window functions.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;

SELECT dayset_agg(day) FROM unnest(ARRAY['2026-12-24', NULL, '2026-12-20', '2026-12-21', '2026-12-20']::date[]) AS day;
SELECT dayset_agg(stay) FROM unnest(ARRAY['[2026-12-24,2026-12-27)', NULL, 'empty', '[2026-12-20,2026-12-25)', '[2027-01-01,2027-01-02)']::daterange[]) AS stay;
SELECT union_agg(days), intersect_agg(days)
FROM unnest(ARRAY['{[2026-12-20,2026-12-27)}', NULL, '{[2026-12-24,2026-12-29),[2027-01-01,2027-01-03)}']::dayset[]) AS days;

-- No rows, or nothing but NULL: NULL. Nothing but the empty: empty.
SELECT dayset_agg(day) IS NULL AS days, dayset_agg(stay) IS NULL AS stays, union_agg(days) IS NULL AS unions, intersect_agg(days) IS NULL AS intersections
FROM (SELECT NULL::date, NULL::daterange, NULL::dayset) AS v (day, stay, days);
SELECT dayset_agg(day) IS NULL AS days, dayset_agg(stay) IS NULL AS stays, union_agg(days) IS NULL AS unions, intersect_agg(days) IS NULL AS intersections
FROM (SELECT NULL::date, NULL::daterange, NULL::dayset) AS v (day, stay, days) WHERE false;
SELECT dayset_agg(stay), union_agg(days), intersect_agg(days) FROM (VALUES ('empty'::daterange, '{}'::dayset)) AS v (stay, days);

SELECT raised($$SELECT dayset_agg(day) FROM unnest(ARRAY['2026-12-24', 'infinity']::date[]) AS day$$);
SELECT raised($$SELECT dayset_agg(day) FROM unnest(ARRAY['2026-12-24', '-infinity']::date[]) AS day$$);
SELECT raised($$SELECT dayset_agg(day) FROM unnest(ARRAY['2026-12-24', '1969-12-31']::date[]) AS day$$);
SELECT raised($$SELECT dayset_agg(stay) FROM unnest(ARRAY['[2026-12-24,)']::daterange[]) AS stay$$);
SELECT raised($$SELECT dayset_agg(stay) FROM unnest(ARRAY['[2149-06-06,2149-06-08)']::daterange[]) AS stay$$);

-- As window functions: the final function leaves the state as it is.
SELECT day, dayset_agg(day) OVER (ORDER BY day) AS so_far, dayset_agg(day) OVER (ORDER BY day ROWS 1 PRECEDING) AS last_two
FROM unnest(ARRAY['2026-12-20', '2026-12-21', '2026-12-22', '2026-12-23', '2026-12-26']::date[]) AS day ORDER BY day;
SELECT n, union_agg(days) OVER (ORDER BY n) AS so_far, intersect_agg(days) OVER (ORDER BY n) AS in_all
FROM (VALUES (1, dayset '{[2026-12-20,2026-12-27)}'), (2, '{[2026-12-22,2026-12-29)}'), (3, NULL), (4, '{[2026-12-01,2026-12-24),[2027-01-01,2027-01-03)}'),
             (5, '{}'), (6, '{[2026-12-20,2026-12-27)}')) AS v (n, days) ORDER BY n;
-- Growing through every kind of container, each step against a fresh aggregate.
SELECT count(*) AS steps, count(*) FILTER (WHERE booked_days(so_far) <> n) AS wrong
FROM (SELECT row_number() OVER (ORDER BY k) AS n, dayset_agg(date '1970-01-01' + (k * 7919) % 65521) OVER (ORDER BY k) AS so_far
      FROM generate_series(1, 6000) AS k) AS s;

-- Grouped, with the model beside it.
CREATE TABLE stays (listing int, stay daterange, booked dayset);
SELECT setseed(0.5) \gset
INSERT INTO stays
SELECT listing, stay, dayset(random_days(4, 30, 300))
FROM (SELECT floor(random() * 50)::int AS listing, date '2026-01-01' + floor(random() * 700)::int AS check_in FROM generate_series(1, 20000)) AS s,
     LATERAL (SELECT daterange(check_in, check_in + 1 + listing % 9)) AS r (stay);
-- The whole table in one state, and each listing in its own; the model knows no union of multiranges before 16.
CREATE VIEW wrong AS
SELECT listing FROM stays GROUP BY listing
HAVING dayset_agg(stay)::datemultirange <> range_agg(stay)
    OR dayset_agg(lower(stay))::datemultirange <> range_agg(daterange(lower(stay), lower(stay) + 1))
    OR union_agg(dayset(stay))::datemultirange <> range_agg(stay)
    OR intersect_agg(booked + dayset '2026-03-01')::datemultirange
       <> range_intersect_agg((booked + dayset '2026-03-01')::datemultirange);
SELECT * FROM wrong ORDER BY listing;
SELECT dayset_agg(stay) AS one, dayset_agg(lower(stay)) AS two, union_agg(booked) AS three, intersect_agg(booked + dayset '2026-03-01') AS four FROM stays \gset

-- Parallel: the same answers, by way of serialized states.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ANALYZE stays;
EXPLAIN (COSTS OFF) SELECT dayset_agg(stay), dayset_agg(lower(stay)), union_agg(booked), intersect_agg(booked) FROM stays;
SELECT dayset_agg(stay) = :'one' AS one, dayset_agg(lower(stay)) = :'two' AS two, union_agg(booked) = :'three' AS three,
       intersect_agg(booked + dayset '2026-03-01') = :'four' AS four
FROM stays;
SELECT * FROM wrong ORDER BY listing;
-- Workers without a row hand over nothing.
SELECT dayset_agg(stay) IS NULL AS days, intersect_agg(booked) IS NULL AS sets FROM stays WHERE listing = -1;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- No caller can hand in a state of its own.
SELECT raised($$SELECT dayset_agg_final(NULL)$$);
SELECT raised($$SELECT dayset_agg_deserialize('\x00', NULL)$$);

DROP VIEW wrong;
DROP TABLE stays;
RESET search_path;
