-- Every kind of discrepancy is found by verify, and mended by repair.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA verify_kinds;
SET search_path = verify_kinds, public;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
INSERT INTO listings SELECT generate_series(1, 5);
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
INSERT INTO reservations VALUES (10, 1, '[2027-05-01,2027-05-03)'), (20, 2, '[2027-05-01,2027-05-03)'), (30, 3, '[2027-05-01,2027-05-03)');
SELECT * FROM availability.verify('reservations');

-- day rows
DELETE FROM reservations_day WHERE listing_id = 1 AND day = '2027-05-01';
INSERT INTO reservations_day VALUES (1, '2027-05-20', 10);
UPDATE reservations_day SET reservation_id = 77 WHERE listing_id = 2 AND day = '2027-05-02';
SELECT * FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');

-- calendars
UPDATE reservations_calendar SET booked = '{[2027-05-02,2027-05-04)}' WHERE listing_id = 1;
DELETE FROM reservations_calendar WHERE listing_id IN (2, 5);
INSERT INTO reservations_calendar (listing_id, booked, version, change) VALUES (6, '{}', 1, 'reset'), (7, '2027-01-01', 1, 'reset');
SELECT * FROM availability.verify('reservations');
CREATE TEMP TABLE before AS SELECT listing_id, version FROM reservations_calendar;
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
-- one reset for each calendar that was mended, with a greater version; the others are left alone
SELECT listing_id, booked, change, c.version > b.version AS grew FROM reservations_calendar c LEFT JOIN before b USING (listing_id) ORDER BY 1;
SELECT availability.repair('reservations');

-- triggers
ALTER TABLE reservations DISABLE TRIGGER ALL;
ALTER TABLE listings DISABLE TRIGGER USER;
SELECT * FROM availability.verify('reservations');
INSERT INTO reservations VALUES (40, 4, '[2027-05-01,2027-05-03)'), (41, 4, '[2027-05-02,2027-05-04)');
DELETE FROM reservations WHERE id = 10;
INSERT INTO listings VALUES (8);
SELECT * FROM availability.verify('reservations') WHERE kind NOT IN ('disabled_trigger');
-- what only a person can decide, repair refuses
SELECT availability.repair('reservations');
UPDATE reservations SET status = 'cancelled' WHERE id = 41;
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
DROP TRIGGER _availability_claim ON reservations;
DROP TRIGGER _availability_truncate ON reservations;
SELECT * FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
INSERT INTO reservations VALUES (42, 4, '[2027-05-02,2027-05-04)');

-- a replica session
SET session_replication_role = replica;
INSERT INTO reservations VALUES (42, 4, '[2027-06-02,2027-06-03)');
DELETE FROM reservations WHERE id = 30;
RESET session_replication_role;
SELECT * FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');

-- a child of the table, whose rows claim nothing: refused when it is made, found where nobody was asked
CREATE TABLE child () INHERITS (reservations);
CREATE TABLE child (LIKE reservations);
ALTER TABLE child INHERIT reservations;
CREATE TABLE grandchild () INHERITS (child);
DROP TABLE grandchild;
SET session_replication_role = replica;
ALTER TABLE child INHERIT reservations;
RESET session_replication_role;
INSERT INTO child VALUES (50, 4, '[2027-05-02,2027-05-04)', 'confirmed');
SELECT * FROM availability.verify('reservations');
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'tracked table verify_kinds.reservations';
ALTER TABLE child NO INHERIT reservations;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

-- without day rows
SELECT availability.track('reservations', active => $$status = 'confirmed'$$, day_rows => false);
UPDATE reservations_calendar SET booked = '{[2027-05-02,2027-05-04)}' WHERE listing_id = 4;
SELECT * FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE before;
DROP SCHEMA verify_kinds CASCADE;
