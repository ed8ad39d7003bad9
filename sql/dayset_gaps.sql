-- The open days between the booked ones.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;
CREATE TEMP TABLE calendar AS SELECT dayset '{[2026-12-20,2026-12-27),[2026-12-28,2026-12-30),[2027-01-01,2027-01-03)}' AS booked;

SELECT gap FROM calendar, gaps(booked, '[2026-12-01,2027-02-01)') AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, '[2026-12-01,2027-02-01)', 2) AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, '[2026-12-01,2027-02-01)', min_days => 20) AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, '[2026-12-01,2027-02-01)', 366) AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, '[2026-12-21,2026-12-27)') AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, '[2026-12-26,2026-12-31)') AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, 'empty') AS gap ORDER BY gap;
SELECT gap FROM calendar, gaps(booked, NULL) AS gap ORDER BY gap;
SELECT gap FROM gaps('{}', '[1970-01-01,2149-06-07)') AS gap;
SELECT gap FROM gaps('{[1970-01-01,2149-06-07)}', '[1970-01-01,2149-06-07)') AS gap;
SELECT gap FROM gaps('{[1970-01-02,2149-06-06)}', '[1970-01-01,2149-06-07)') AS gap ORDER BY gap;
-- in ascending order by itself, and stopped half-way
SELECT gaps(booked, '[2026-12-01,2027-02-01)') AS gap FROM calendar LIMIT 2;

SELECT raised($$SELECT gaps('{}', '[2026-12-01,2027-02-01)', 0)$$);
SELECT raised($$SELECT gaps('{}', '[2026-12-01,2027-02-01)', -5)$$);
SELECT raised($$SELECT gaps('{}', '[2026-12-01,)')$$);
SELECT raised($$SELECT gaps('{}', '(,2026-12-01)')$$);
SELECT raised($$SELECT gaps('{}', '[1969-12-31,1970-01-05)')$$);
SELECT raised($$SELECT gaps('{}', '[2149-06-01,2149-06-08)')$$);

SELECT from_day, days, next_gap(booked, from_day, days)
FROM calendar, (VALUES (1, date '2026-12-01', 1), (2, '2026-12-19', 1), (3, '2026-12-19', 2), (4, '2026-12-20', 1), (5, '2026-12-20', 2), (6, '2026-12-31', 2),
                       (7, '2026-12-27', 3), (8, '2027-01-03', 3), (9, '2027-05-01', 3), (10, '1970-01-01', 365), (11, '2149-06-06', 1), (12, '2149-06-06', 2),
                       (13, '2027-01-03', 100000), (14, '1970-01-01', 2147483647), (15, NULL, 1), (16, '2027-01-03', NULL)) AS v (n, from_day, days) ORDER BY n;
SELECT next_gap('{}', '1970-01-01', 65536), next_gap('{}', '1970-01-02', 65536), next_gap('{[1970-01-01,2149-06-07)}', '1970-01-01', 1);

SELECT raised($$SELECT next_gap('{}', '2026-12-01', 0)$$);
SELECT raised($$SELECT next_gap('{}', '2026-12-01', -1)$$);
SELECT raised($$SELECT next_gap('{}', '1969-12-31', 1)$$);
SELECT raised($$SELECT next_gap('{}', '2149-06-07', 1)$$);
SELECT raised($$SELECT next_gap('{}', 'infinity', 1)$$);
SELECT raised($$SELECT next_gap('{}', '-infinity', 1)$$);

-- every kind of container
WITH sets AS (
    SELECT dayset_agg(date '1970-01-01' + n) FILTER (WHERE n % 2 = 0) AS bitset, dayset_agg(date '1970-01-01' + n) FILTER (WHERE n % 17 = 0) AS odd_array
    FROM generate_series(0, 65535) AS n
)
SELECT (SELECT count(*) FROM gaps(bitset, '[1970-01-01,2149-06-07)')) AS in_bitset, (SELECT count(*) FROM gaps(bitset, '[1970-01-01,2149-06-07)', 2)) AS of_two_days,
       (SELECT count(*) FROM gaps(odd_array, '[1970-01-01,2149-06-07)', 16)) AS in_array, (SELECT count(*) FROM gaps(odd_array, '[1970-01-01,2149-06-07)', 17)) AS of_17_days
FROM sets;
DROP TABLE calendar;
RESET search_path;
