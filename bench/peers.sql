-- Schemas with one table of reservations each, the same and equally filled:
--   bare        nothing but the table, which lets everything pass
--   tracked     tracked
--   lean        tracked without day rows
--   handwritten the PL/pgSQL function that a team would write itself: (listing_id, day) rows under a primary key, no calendar
--   excluding   an exclusion constraint over listing and stay
--   multirange  a function that locks and updates a calendar of type datemultirange
--   roaring     the same with a calendar that is a Roaring bitmap (a dayset, updated by hand)
-- 20,000 listings with 30 stays in two years; a booking finds the days from 8 on free in each period of 24.

CREATE EXTENSION IF NOT EXISTS btree_gist;
SELECT setseed(0.42) \g /dev/null

CREATE TEMPORARY TABLE stays AS
SELECT listing_id, date '2026-01-01' + 24 * period AS check_in,
    date '2026-01-01' + 24 * period + 1 + floor(7 * random())::int AS check_out
FROM generate_series(0, 29) AS period CROSS JOIN generate_series(1, 20000) AS listing_id
ORDER BY random();

SELECT format('CREATE SCHEMA %1$I;
    CREATE TABLE %1$I.reservations (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        listing_id bigint NOT NULL,
        check_in date NOT NULL,
        check_out date NOT NULL
    );
    INSERT INTO %1$I.reservations (listing_id, check_in, check_out) TABLE stays;', peer)
FROM unnest(ARRAY['bare', 'tracked', 'lean', 'handwritten', 'excluding', 'multirange', 'roaring']) AS peer \gexec

SELECT availability.track('tracked.reservations') \g /dev/null
SELECT availability.track('lean.reservations', day_rows => false) \g /dev/null

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

ALTER TABLE excluding.reservations
    ADD EXCLUDE USING gist (listing_id WITH =, daterange(check_in, check_out) WITH &&);

CREATE TABLE multirange.calendars WITH (fillfactor = 70) AS
SELECT listing_id, range_agg(daterange(check_in, check_out)) AS booked FROM multirange.reservations GROUP BY listing_id;
ALTER TABLE multirange.calendars ADD PRIMARY KEY (listing_id);
CREATE TABLE roaring.calendars WITH (fillfactor = 70) AS
SELECT listing_id, availability.dayset_agg(daterange(check_in, check_out)) AS booked FROM roaring.reservations GROUP BY listing_id;
ALTER TABLE roaring.calendars ADD PRIMARY KEY (listing_id);

CREATE FUNCTION multirange.book(listing bigint, first_day date, end_day date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    stay daterange := daterange(first_day, end_day);
    reservation bigint;
BEGIN
    UPDATE multirange.calendars SET booked = booked + datemultirange(stay) WHERE listing_id = listing AND NOT booked && stay;
    IF NOT FOUND THEN
        RAISE unique_violation;
    END IF;
    INSERT INTO multirange.reservations (listing_id, check_in, check_out)
        VALUES (listing, first_day, end_day) RETURNING id INTO reservation;
    RETURN reservation;
END $$;
CREATE FUNCTION roaring.book(listing bigint, first_day date, end_day date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    stay daterange := daterange(first_day, end_day);
    reservation bigint;
BEGIN
    UPDATE roaring.calendars SET booked = booked OPERATOR(availability.+) stay
        WHERE listing_id = listing AND availability.is_available(booked, stay);
    IF NOT FOUND THEN
        RAISE unique_violation;
    END IF;
    INSERT INTO roaring.reservations (listing_id, check_in, check_out)
        VALUES (listing, first_day, end_day) RETURNING id INTO reservation;
    RETURN reservation;
END $$;

VACUUM (ANALYZE);
CHECKPOINT;
