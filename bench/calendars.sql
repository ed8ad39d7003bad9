-- A million calendars of one year, of the shape that those of holiday homes have: mean occupancy 0.47, one in nine fully
-- booked, 5-6 runs of booked days in the mean and 3 in the median, the 95th percentile near 18. There are 100,000
-- different ones, ten times over: too many for a processor to learn their branches.

SELECT setseed(0.42) \g /dev/null

CREATE TEMPORARY TABLE shape AS
WITH listing AS MATERIALIZED (
    SELECT listing_id, random() AS kind, 0.81 * random() AS occupancy,
        least(55, ceil(exp(1.2 + 1.15 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))))::int AS runs
    FROM generate_series(0, 99999) AS listing_id
), piece AS MATERIALIZED (
    -- Booked and open days in turn, in proportion to random weights.
    SELECT listing_id, kind, occupancy, n, -ln(1 - random()) AS booked, -ln(1 - random()) AS open
    FROM listing CROSS JOIN LATERAL generate_series(1, runs) AS n
), placed AS (
    SELECT listing_id, kind, n,
        365 * (1 - occupancy) * sum(open) OVER upto / (sum(open) OVER whole + 0.5) AS open_before,
        365 * occupancy * (sum(booked) OVER upto - booked) / sum(booked) OVER whole AS booked_before,
        365 * occupancy * booked / sum(booked) OVER whole AS booked
    FROM piece
    WINDOW whole AS (PARTITION BY listing_id), upto AS (PARTITION BY listing_id ORDER BY n)
)
SELECT listing_id,
    CASE WHEN kind < 0.11 THEN datemultirange(daterange('2026-01-01', '2027-01-01'))
         WHEN kind < 0.13 THEN datemultirange()
         ELSE range_agg(daterange(date '2026-01-01' + round(open_before + booked_before)::int,
                                  date '2026-01-01' + 1 + round(open_before + booked_before + booked)::int))
    END AS ranges
FROM placed GROUP BY listing_id, kind;

CREATE TABLE calendar_ranges AS
SELECT 100000 * copy + listing_id AS listing_id, ranges FROM generate_series(0, 9) AS copy CROSS JOIN shape;

CREATE TABLE calendars AS
SELECT listing_id, ranges::availability.dayset AS booked FROM calendar_ranges;

VACUUM (FREEZE, ANALYZE) calendars, calendar_ranges;

SELECT count(*) AS calendars, round(avg(runs), 1) AS mean_runs,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY runs) AS median_runs,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY runs) AS percentile_95,
    round(avg(availability.occupancy(booked, '[2026-01-01,2027-01-01)'))::numeric, 2) AS occupancy,
    round(avg(pg_column_size(booked))) AS dayset_bytes, round(avg(pg_column_size(ranges))) AS datemultirange_bytes
FROM calendars JOIN calendar_ranges USING (listing_id)
    CROSS JOIN LATERAL (SELECT count(*) AS runs FROM unnest(ranges)) AS counted;
