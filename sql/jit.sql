-- Every kind of our functions in expressions that the server compiles and would inline, had they bitcode.
SET search_path = public, availability;
SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;

CREATE TABLE sets (id int, d dayset, r daterange);
INSERT INTO sets
SELECT n, dayset(datemultirange(daterange(date '2026-01-01' + n, date '2026-01-05' + 2 * n))), daterange(date '2026-01-10', date '2026-01-11' + n)
FROM generate_series(1, 40) AS n;

SELECT sum(booked_days(d - r)) AS minus, sum(booked_days(d + r)) AS plus, sum(booked_days(d * r)) AS times,
       count(*) FILTER (WHERE d @> r) AS contains, count(*) FILTER (WHERE d && r) AS overlaps, count(*) FILTER (WHERE d !&& r) AS disjoint,
       count(*) FILTER (WHERE is_available(d, r)) AS available, count(*) FILTER (WHERE is_booked(d, r)) AS booked
FROM sets;

SELECT sum(booked_days(d, r)) AS booked_days, sum(open_days(d, r)) AS open_days, round(sum(occupancy(d, r))::numeric, 3) AS occupancy,
       min(first_day(d)) AS first_day, max(last_day(d)) AS last_day, count(*) FILTER (WHERE is_empty(d)) AS empty,
       min(lower(next_gap(d, date '2026-01-12', 3))) AS next_gap, bit_or(month_bits(d, '2026-01-01')) AS month_bits
FROM sets;

SELECT booked_days(union_agg(d)) AS union_agg, booked_days(intersect_agg(d)) AS intersect_agg, booked_days(dayset_agg(r)) AS dayset_agg,
       count(DISTINCT d) AS distinct, count(*) FILTER (WHERE d::text::dayset = d AND d::bytea::dayset = d AND d::date[]::dayset = d
                                                        AND d::datemultirange::dayset = d) AS round_trips
FROM sets;

SELECT a.id, b.id AS other FROM sets AS a JOIN sets AS b ON a.d < b.d AND a.d && b.d ORDER BY a.d DESC, b.d LIMIT 2;

-- an error out of compiled code is an ordinary one
SELECT count(*) FROM sets WHERE is_available(d, daterange(NULL, '2026-01-01')) AND id > 0;
SELECT count(*) FROM sets WHERE is_empty(d + daterange('2149-06-01', NULL));

DROP TABLE sets;
