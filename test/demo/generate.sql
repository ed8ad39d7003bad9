-- Makes a calendar file of the shape that calendars of short-term rentals have: 2,000 listings over a year; one in
-- nine fully booked, few fully open; of the rest, runs of booked days whose number a year has median 3 to 4 and
-- mean 5 to 6; and so a mean occupancy of about a half. The same on every run.

SELECT setseed(0.2026) \gset
SET max_parallel_workers_per_gather = 0;

CREATE TEMPORARY TABLE generated AS
    SELECT listing_id, random() AS kind,
           -- Log-normal: sqrt(-2 ln u) cos(2 pi v) is a normal deviate.
           least(55, ceil(exp(1.15 + 1.1 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))))::int AS runs
    FROM generate_series(1001, 3000) AS listing_id;

-- Twice as many different boundaries as runs, sorted, are where the runs begin and end.
CREATE TEMPORARY TABLE boundary AS
    SELECT listing_id, edge, row_number() OVER (PARTITION BY listing_id ORDER BY edge) AS position
    FROM generated
         CROSS JOIN LATERAL (SELECT edge FROM generate_series(0, 365) AS edge ORDER BY random() LIMIT 2 * runs) AS drawn
    WHERE kind >= 0.15;

CREATE TEMPORARY TABLE booked AS
    SELECT listing_id, day
    FROM boundary AS first JOIN boundary AS last USING (listing_id)
         CROSS JOIN LATERAL generate_series(first.edge, last.edge - 1) AS day
    WHERE first.position % 2 = 1 AND last.position = first.position + 1
    UNION ALL
    SELECT listing_id, day FROM generated CROSS JOIN generate_series(0, 364) AS day WHERE kind < 0.11;
ANALYZE;

COPY (SELECT listing_id, date '2026-12-01' + day AS date, CASE WHEN booked IS NULL THEN 't' ELSE 'f' END AS available
      FROM generated CROSS JOIN generate_series(0, 364) AS day LEFT JOIN booked USING (listing_id, day)
      ORDER BY listing_id, day)
TO STDOUT (FORMAT csv, HEADER);
