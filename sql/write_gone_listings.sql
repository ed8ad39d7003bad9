-- A calendar that outlives its listing, for claims that stay, goes with the last of them, and consumers are told.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE FUNCTION calendars() RETURNS TABLE (listing_id int, booked availability.dayset, change text) LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT c.listing_id, c.booked, c.change FROM reservations_calendar c ORDER BY 1; END';
CREATE TABLE log (change text, listing int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.log VALUES (NEW.change, NEW.listing_id); RETURN NULL; END';

-- without a foreign key: deleted, moved, no longer active
CREATE TABLE listings (id int PRIMARY KEY, name text);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, active boolean DEFAULT true);
INSERT INTO listings SELECT n, 'a' FROM generate_series(1, 6) AS n;
SELECT availability.track('reservations', listings => 'listings', active => 'active');
CREATE TRIGGER note AFTER UPDATE ON reservations_calendar FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO reservations SELECT n, n, '[2027-05-01,2027-05-03)' FROM generate_series(1, 5) AS n;
INSERT INTO reservations VALUES (11, 1, '[2027-05-03,2027-05-05)');
DELETE FROM listings WHERE id < 5;
TRUNCATE log;
SELECT * FROM calendars();
DELETE FROM reservations WHERE id = 1;
UPDATE reservations SET listing_id = 6 WHERE id = 2;
UPDATE reservations SET active = false WHERE id = 3;
SELECT * FROM calendars();
DELETE FROM reservations WHERE id = 11;
SELECT * FROM calendars();
SELECT * FROM log;
-- holds, released and swept
SELECT availability.release(availability.hold('reservations', 5, '[2027-06-01,2027-06-03)'));
SELECT * FROM calendars();
-- what is left goes with TRUNCATE, or with the days that are forgotten
BEGIN;
TRUNCATE reservations;
SELECT * FROM calendars();
ROLLBACK;
SELECT availability.forget('reservations', '2027-06-01');
SELECT * FROM calendars();
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings;

-- with a foreign key that is checked at the end of the transaction: deleted, and rekeyed
CREATE TABLE listings (id int PRIMARY KEY, name text);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings DEFERRABLE INITIALLY DEFERRED, stay daterange);
INSERT INTO listings SELECT n, 'a' FROM generate_series(1, 4) AS n;
SELECT availability.track('reservations');
INSERT INTO reservations SELECT n, n, '[2027-05-01,2027-05-03)' FROM generate_series(1, 3) AS n;
BEGIN;
DELETE FROM listings WHERE id = 1;
DELETE FROM reservations WHERE listing_id = 1;
COMMIT;
BEGIN;
UPDATE listings SET id = 20 WHERE id = 2;
UPDATE reservations SET listing_id = 20 WHERE listing_id = 2;
COMMIT;
SELECT * FROM calendars();
SELECT * FROM availability.verify('reservations');

-- a listing that comes back in time keeps its calendar
BEGIN;
DELETE FROM listings WHERE id = 3;
INSERT INTO listings VALUES (3, 'b');
DELETE FROM reservations WHERE listing_id = 3;
COMMIT;
SELECT * FROM calendars();

-- a key that a BEFORE trigger changes, in the SET list or not
CREATE FUNCTION rekey() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id := 100 + OLD.id; RETURN NEW; END';
CREATE TRIGGER rekey BEFORE UPDATE ON listings FOR EACH ROW EXECUTE FUNCTION rekey();
UPDATE listings SET name = 'c' WHERE id = 4;
UPDATE listings SET id = id WHERE id = 3;
SELECT * FROM calendars();
SELECT * FROM availability.verify('reservations');
DROP TRIGGER rekey ON listings;
UPDATE listings SET name = 'd';
UPDATE listings SET id = 5 WHERE id = 103;
SELECT * FROM calendars();
SELECT * FROM availability.verify('reservations');
SELECT tgname, pg_get_triggerdef(oid) ~ 'WHEN' AS conditional FROM pg_trigger WHERE tgrelid = 'listings'::regclass AND tgname ~ '^_' ORDER BY 1;
SELECT availability.untrack('reservations');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'listings'::regclass AND tgname ~ '^_';
DROP TABLE reservations, listings;

-- reservations that a BEFORE trigger, one of a partition, or a rule keeps from following: their days stay theirs
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (
    id int, kept boolean, listing_id int REFERENCES listings ON UPDATE CASCADE ON DELETE CASCADE, stay daterange
) PARTITION BY LIST (kept);
CREATE TABLE kept PARTITION OF reservations FOR VALUES IN (true);
CREATE TABLE others PARTITION OF reservations DEFAULT;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON kept FOR EACH ROW EXECUTE FUNCTION keep();
INSERT INTO listings SELECT generate_series(1, 6);
SELECT availability.track('reservations', key => 'id');
INSERT INTO reservations VALUES (1, true, 1, '[2027-05-01,2027-05-03)'), (2, false, 1, '[2027-05-03,2027-05-05)'),
    (3, true, 2, '[2027-05-01,2027-05-03)'), (4, false, 2, '[2027-05-03,2027-05-05)'), (5, false, 3, '[2027-05-01,2027-05-03)'), (6, false, 4, '[2027-05-01,2027-05-03)');
SELECT availability.hold('reservations', 3, '[2027-05-10,2027-05-12)') IS NOT NULL AS held, availability.hold('reservations', 4, '[2027-05-10,2027-05-12)') IS NOT NULL AS held;
DELETE FROM listings WHERE id IN (1, 3);
UPDATE listings SET id = 10 * id WHERE id IN (2, 4);
SELECT id, listing_id, stay FROM reservations ORDER BY id;
SELECT * FROM calendars();
SELECT listing_id, stay FROM reservations_hold;
SELECT * FROM availability.verify('reservations');
-- so nobody else gets them when the listing comes back, and they go with their reservation
INSERT INTO listings VALUES (1);
INSERT INTO reservations VALUES (7, false, 1, '[2027-05-02,2027-05-04)');
DROP TRIGGER keep ON kept;
DELETE FROM reservations WHERE kept;
SELECT * FROM calendars();
SELECT availability.untrack('reservations');
DROP TABLE reservations;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings ON DELETE CASCADE, stay daterange);
CREATE RULE keep AS ON DELETE TO reservations WHERE OLD.id = 1 DO INSTEAD NOTHING;
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)'), (2, 1, '[2027-05-05,2027-05-07)'), (3, 5, '[2027-05-05,2027-05-07)');
DELETE FROM listings WHERE id IN (1, 5);
SELECT * FROM calendars();
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings, log;
DROP FUNCTION keep(), rekey(), note(), calendars();
