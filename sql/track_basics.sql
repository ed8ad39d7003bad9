-- The companions that track makes beside a table, and what a booking writes in each.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_basics;
SET search_path = track_basics, public;

CREATE TABLE listings (id bigint PRIMARY KEY, name text);
CREATE TABLE reservations (id bigint PRIMARY KEY, listing_id bigint REFERENCES listings, check_in date, check_out date);
INSERT INTO listings VALUES (1, 'Dune'), (2, 'Heath');
INSERT INTO reservations VALUES (1, 1, '2026-12-20', '2026-12-23');
SELECT availability.track('reservations');

SELECT reservations, calendar, day, month_view, open_view, claim, listings, since, listing, stay, active, key, cancel
FROM availability.tracked WHERE reservations = 'reservations'::regclass;
SELECT c.relname, c.relkind, pg_get_userbyid(c.relowner) = current_user AS is_mine, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c WHERE c.relnamespace = 'track_basics'::regnamespace AND c.relkind IN ('r', 'v', 'S') ORDER BY c.relname;
SELECT attrelid::regclass AS companion, attname, format_type(atttypid, atttypmod) AS type, attnotnull
FROM pg_attribute WHERE attrelid IN ('reservations_day'::regclass, 'reservations_calendar'::regclass) AND attnum > 0
ORDER BY attrelid::regclass::text, attnum;
SELECT conrelid::regclass AS companion, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid IN ('reservations_day'::regclass, 'reservations_calendar'::regclass) AND contype = 'p' ORDER BY 1;
SELECT reloptions FROM pg_class WHERE oid = 'reservations_calendar'::regclass;
SELECT pg_get_functiondef('reservations_claim'::regproc);
SELECT tgrelid::regclass AS "table", tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger
WHERE tgrelid IN ('listings'::regclass, 'reservations'::regclass) AND NOT tgisinternal ORDER BY 1, 2;

-- What was there: every listing has a calendar, {} when never booked.
SELECT listing_id, ordinal, booked, change, reservation_id, stay, was FROM reservations_calendar ORDER BY listing_id;
SELECT * FROM reservations_day ORDER BY listing_id, day;

-- What comes: the calendar says what happened to it, and its version grows.
PREPARE happened AS
    SELECT listing_id, booked, change, reservation_id, stay, was FROM reservations_calendar ORDER BY listing_id;
CREATE TEMP TABLE versions AS SELECT listing_id, version FROM reservations_calendar;
SELECT bool_and(version BETWEEN extract(epoch FROM now() - interval '1 hour') * 1e6
                            AND extract(epoch FROM clock_timestamp()) * 1e6) AS microseconds FROM versions;
INSERT INTO reservations VALUES (2, 1, '2026-12-23', '2026-12-25');
EXECUTE happened;
SELECT listing_id, c.version > v.version AS grew FROM reservations_calendar c JOIN versions v USING (listing_id) ORDER BY 1;
UPDATE reservations SET check_out = '2026-12-26' WHERE id = 2;
EXECUTE happened;
DELETE FROM reservations WHERE id = 1;
EXECUTE happened;
SELECT * FROM reservations_day ORDER BY listing_id, day;

-- A claim that does not change writes nothing.
DROP TABLE versions;
CREATE TEMP TABLE versions AS SELECT listing_id, version, ctid AS place FROM reservations_calendar;
UPDATE reservations SET check_in = check_in, check_out = '2026-12-26' WHERE id = 2;
SELECT c.version = v.version AND c.ctid = v.place AS untouched FROM reservations_calendar c JOIN versions v USING (listing_id);

-- The claims of all rows, and the claim of one, as its owner or whoever is granted may ask.
SELECT * FROM reservations_claims ORDER BY key;
SELECT r.id, c.* FROM reservations r, reservations_claim(r) AS c ORDER BY r.id;

SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DEALLOCATE happened;
DROP TABLE versions;
DROP SCHEMA track_basics CASCADE;
