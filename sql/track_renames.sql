-- Renames just work; what the claim depends on can't go before untrack.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_renames;
SET search_path = track_renames, public;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, check_in date, check_out date, status text, note text);
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations', active => $$status <> 'cancelled'$$);
INSERT INTO reservations VALUES (1, 1, '2027-05-01', '2027-05-03', 'confirmed');

\set VERBOSITY terse
DROP TABLE reservations;
ALTER TABLE reservations DROP COLUMN check_in;
ALTER TABLE reservations DROP COLUMN status;
ALTER TABLE reservations ALTER COLUMN listing_id TYPE bigint;
\set VERBOSITY default
-- what it does not depend on can
ALTER TABLE reservations DROP COLUMN note;
ALTER TABLE reservations ADD COLUMN guest text DEFAULT 'Ada';

ALTER TABLE reservations RENAME COLUMN listing_id TO house;
ALTER TABLE reservations RENAME COLUMN check_in TO "from";
ALTER TABLE reservations RENAME COLUMN status TO "State";
ALTER TABLE reservations RENAME TO "Bookings";
ALTER TABLE listings RENAME COLUMN id TO "No";
ALTER TABLE listings RENAME TO houses;
ALTER TABLE reservations_calendar RENAME TO calendars;
ALTER TABLE reservations_day RENAME TO days;
ALTER SCHEMA track_renames RENAME TO "track renames";
SET search_path = "track renames", public;
INSERT INTO "Bookings" VALUES (2, 1, '2027-05-02', '2027-05-04', 'confirmed');
INSERT INTO "Bookings" VALUES (2, 1, '2027-05-03', '2027-05-04', 'confirmed');
INSERT INTO houses VALUES (3);
UPDATE houses SET "No" = 4 WHERE "No" = 2;
DELETE FROM "Bookings" WHERE id = 1;
SELECT listing_id, booked, change, reservation_id FROM calendars ORDER BY listing_id;
SELECT listing_id, day, reservation_id FROM days ORDER BY listing_id, day;
SELECT reservations, calendar, day, listings FROM availability.tracked WHERE reservations = '"Bookings"'::regclass;
SELECT availability.forget('"Bookings"', '2020-01-01');
SELECT availability.repair('"Bookings"');
SELECT * FROM availability.verify('"Bookings"');
-- another owner
CREATE ROLE regress_track_renames;
GRANT CREATE, USAGE ON SCHEMA "track renames" TO regress_track_renames;
GRANT SELECT, TRIGGER ON houses TO regress_track_renames;
ALTER TABLE "Bookings" OWNER TO regress_track_renames;
INSERT INTO "Bookings" VALUES (3, 1, '2027-06-03', '2027-06-04', 'confirmed');
SELECT availability.untrack('"Bookings"');
SELECT count(*) FROM pg_class WHERE relnamespace = '"track renames"'::regnamespace AND relkind IN ('r', 'v', 'S');
DROP SCHEMA "track renames" CASCADE;
DROP ROLE regress_track_renames;
