-- Two schemas with one table of reservations each, the same and equally filled: one tracked, one with the PL/pgSQL function
-- that a team would write itself, which keeps (listing_id, day) rows under a primary key and no calendar.
-- 20,000 listings with 30 stays in two years; a booking finds the days from 8 on free in each period of 24.

SELECT setseed(0.42) \g /dev/null

CREATE TEMPORARY TABLE stays AS
SELECT listing_id, date '2026-01-01' + 24 * period AS check_in,
    date '2026-01-01' + 24 * period + 1 + floor(7 * random())::int AS check_out
FROM generate_series(0, 29) AS period CROSS JOIN generate_series(1, 20000) AS listing_id
ORDER BY random();

CREATE SCHEMA tracked;
CREATE SCHEMA handwritten;

CREATE TABLE tracked.reservations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id bigint NOT NULL,
    check_in date NOT NULL,
    check_out date NOT NULL
);
CREATE TABLE handwritten.reservations (LIKE tracked.reservations INCLUDING ALL);

INSERT INTO tracked.reservations (listing_id, check_in, check_out) TABLE stays;
INSERT INTO handwritten.reservations (listing_id, check_in, check_out) TABLE stays;

SELECT availability.track('tracked.reservations') \g /dev/null

CREATE TABLE handwritten.reservations_day (
    listing_id bigint NOT NULL,
    day date NOT NULL,
    reservation_id bigint NOT NULL
);
INSERT INTO handwritten.reservations_day
SELECT listing_id, check_in + n, id
FROM handwritten.reservations CROSS JOIN LATERAL generate_series(0, check_out - check_in - 1) AS n;
ALTER TABLE handwritten.reservations_day ADD PRIMARY KEY (listing_id, day);

CREATE FUNCTION handwritten.book(listing bigint, first_day date, end_day date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    reservation bigint;
BEGIN
    INSERT INTO handwritten.reservations (listing_id, check_in, check_out)
        VALUES (listing, first_day, end_day) RETURNING id INTO reservation;
    INSERT INTO handwritten.reservations_day (listing_id, day, reservation_id)
        SELECT listing, first_day + n, reservation FROM generate_series(0, end_day - first_day - 1) AS n;
    RETURN reservation;
END $$;

VACUUM (ANALYZE);
CHECKPOINT;
