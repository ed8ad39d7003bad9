-- A table of listings: each has a calendar as long as it lives, whatever becomes of it and of its reservations.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA write_listings;
SET search_path = write_listings, public;
SELECT 1 AS made FROM pg_create_logical_replication_slot('write_listings', 'availability_decoder');
CREATE FUNCTION events() RETURNS TABLE (n bigint, event text, listing text, reservation text, booked text) LANGUAGE sql AS $$
    SELECT row_number() OVER (ORDER BY ordinality), e ->> 'event', e ->> 'listing', e ->> 'reservation', e ->> 'booked'
    FROM (SELECT data::jsonb AS e, ordinality FROM pg_logical_slot_get_changes('write_listings', NULL, NULL) WITH ORDINALITY) AS x
$$;

-- ON DELETE and ON UPDATE CASCADE
CREATE TABLE listings (id int PRIMARY KEY, name text);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings ON DELETE CASCADE ON UPDATE CASCADE, stay daterange);
SELECT availability.track('reservations');
INSERT INTO listings VALUES (1, 'Dune'), (2, 'Heath'), (3, 'Forest');
INSERT INTO reservations VALUES (10, 1, '[2027-05-01,2027-05-03)'), (20, 2, '[2027-05-01,2027-05-03)');
UPDATE listings SET name = 'Moor' WHERE id = 2;
UPDATE listings SET id = 4 WHERE id = 2;
DELETE FROM listings WHERE id IN (1, 3);
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
SELECT listing_id, day, reservation_id FROM reservations_day ORDER BY listing_id, day;
SELECT * FROM events();
-- a listing that comes back gets a new ordinal and a greater version
INSERT INTO listings VALUES (1, 'Dune');
SELECT listing_id, ordinal, booked, change FROM reservations_calendar ORDER BY listing_id;
-- ON CONFLICT DO UPDATE and TRUNCATE … CASCADE
INSERT INTO listings VALUES (4, 'Bog') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
SELECT * FROM events();
TRUNCATE listings CASCADE;
SELECT count(*) FROM reservations_calendar;
SELECT count(*) FROM reservations_day;
SELECT event, listing, booked FROM events() ORDER BY listing;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings;

-- ON DELETE SET NULL: the reservations stay and hold nothing
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings ON DELETE SET NULL, stay daterange);
INSERT INTO listings VALUES (1), (2);
INSERT INTO reservations VALUES (10, 1, '[2027-05-01,2027-05-03)');
SELECT availability.track('reservations');
DELETE FROM listings WHERE id = 1;
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
SELECT * FROM reservations ORDER BY id;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings;

-- no foreign key, the listings named: a listing that is deleted while it is booked keeps its calendar, for its reservations
-- still hold their days
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
INSERT INTO listings VALUES (1), (2);
INSERT INTO reservations VALUES (10, 1, '[2027-05-01,2027-05-03)');
SELECT availability.track('reservations', listings => 'listings');
DELETE FROM listings;
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
INSERT INTO reservations VALUES (11, 1, '[2027-05-02,2027-05-04)');
DELETE FROM reservations;
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
SELECT kind, listing FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

SELECT pg_drop_replication_slot('write_listings');
DROP SCHEMA write_listings CASCADE;
