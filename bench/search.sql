-- A tracked table of :listings listings, whose calendars of 540 days from today are of the shape that calendars.sql makes: its year, then
-- half a year that is half as full. Each listing has a market of 5,000 in a million, a capacity and a price.

CREATE TABLE shapes AS
SELECT listing_id, availability.dayset_agg(moved) AS booked
FROM calendar_ranges CROSS JOIN LATERAL (
    SELECT daterange(lower(stay) + shift, upper(stay) + shift) AS moved
    FROM unnest(ranges) WITH ORDINALITY AS r (stay, n), LATERAL (VALUES (CURRENT_DATE - date '2026-01-01'), (CURRENT_DATE - date '2025-01-01')) AS s (shift)
    WHERE shift < CURRENT_DATE - date '2025-06-01' OR (n % 2 = 0 AND upper(stay) <= date '2026-06-25')) AS year
WHERE listing_id < 100000 GROUP BY listing_id;
INSERT INTO shapes SELECT n, '{}' FROM generate_series(0, 99999) AS n WHERE NOT EXISTS (SELECT FROM shapes WHERE listing_id = n);
DROP TABLE calendar_ranges;

CREATE TABLE homes (id bigint PRIMARY KEY, market int NOT NULL, sleeps int NOT NULL, price int NOT NULL);
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange NOT NULL);
INSERT INTO homes SELECT n, abs(hashint4(n::int)) % 200, 2 + abs(hashint4(n::int + 1)) % 8, 40 + abs(hashint4(n::int + 2)) % 500
FROM generate_series(1, :listings) AS n;
CREATE INDEX homes_market ON homes (market, price);
SELECT availability.track('reservations', day_rows => false);
INSERT INTO reservations_calendar (listing_id, booked, version, change)
SELECT h.id, s.booked, 1, 'reset' FROM homes AS h JOIN shapes AS s ON s.listing_id = h.id % 100000 ORDER BY h.id;
VACUUM (FREEZE, ANALYZE) homes, reservations_calendar;
