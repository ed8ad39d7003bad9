-- Damage to the sets: verify names it, repair mends it, the doctor says when a fold is due.
SET client_min_messages = warning;
SET datestyle = 'ISO';
CREATE SCHEMA set_search_damage;
SET search_path = set_search_damage, availability;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id text, stay daterange);
SELECT track('reservations', sets => true);
INSERT INTO reservations SELECT n, 'house ' || n % 5, daterange(date '2140-01-01' + n, date '2140-01-03' + n) FROM generate_series(1, 10) AS n;
SELECT fold('reservations');
SELECT * FROM verify('reservations');

-- bits too many and too few, a row too many and one too few, listings
UPDATE reservations_set SET listings = listings + 3 - 2 WHERE day = '2140-01-03';
UPDATE reservations_set SET listings = listings - 4 + 77 WHERE day = '-infinity';
DELETE FROM reservations_set WHERE day = '2140-01-10';
INSERT INTO reservations_set VALUES ('2149-06-06', 0, '{1}'), ('2140-03-01', 7, '{458752}');
SELECT * FROM verify('reservations') ORDER BY kind, listing, day, detail;
-- what is in the delta is looked for there
INSERT INTO reservations VALUES (100, 'house 2', '[2140-05-01,2140-05-03)');
SELECT kind, listing, day FROM verify('reservations') ORDER BY kind, listing, day;
SELECT repair('reservations');
SELECT * FROM verify('reservations');
SELECT day, block, listings FROM reservations_set WHERE day < '2000-01-01' OR day > '2140-01-11' ORDER BY 1, 2;

-- a delta that lost its rows, and calendars that were written without the triggers
INSERT INTO reservations VALUES (101, 'house 0', '[2140-06-01,2140-06-03)');
DELETE FROM reservations_delta;
SELECT kind, listing, day FROM verify('reservations') ORDER BY kind, listing, day;
SELECT repair('reservations');
SET session_replication_role = replica;
INSERT INTO reservations VALUES (102, 'house 0', '[2140-07-01,2140-07-02)');
UPDATE reservations_calendar SET booked = booked + daterange('2140-07-01', '2140-07-02') WHERE listing_id = 'house 0';
RESET session_replication_role;
SELECT kind, listing, day FROM verify('reservations') ORDER BY kind, listing, day;
SELECT repair('reservations');
ALTER TABLE reservations_calendar DISABLE TRIGGER _availability_sets;
DROP TRIGGER _availability_sets_truncate ON reservations_calendar;
SELECT kind, detail FROM verify('reservations') ORDER BY kind;
SELECT subject, finding, remedy FROM doctor() WHERE subject ~ 'calendar';
SELECT repair('reservations');
SELECT * FROM verify('reservations');

-- one ordinal for two listings
UPDATE reservations_calendar SET ordinal = 3 WHERE listing_id = 'house 1';
SELECT kind, listing IS NOT NULL AS has_listing, detail FROM verify('reservations') WHERE kind = 'duplicate_ordinal';
SELECT repair('reservations') > 0 AS repaired;
SELECT count(DISTINCT ordinal) FROM reservations_calendar;
SELECT * FROM verify('reservations');

-- calendars that are truncated
BEGIN;
TRUNCATE reservations_calendar;
SELECT count_free('reservations', '[2140-01-01,2140-01-02)');
SELECT count(*) FROM reservations_set;
ROLLBACK;

-- settings that a restore did not bring: what is left is adopted, and mended by the rows
DELETE FROM tracked WHERE reservations = 'reservations'::regclass;
UPDATE reservations_calendar SET version = version + 1 WHERE listing_id = 'house 3';
UPDATE reservations_set SET listings = listings + 2 WHERE day = '2140-01-04';
SELECT subject, finding, remedy FROM doctor() WHERE subject ~ 'set_search_damage';
SELECT track('reservations');
SELECT sets, delta FROM tracked WHERE reservations = 'reservations'::regclass;
SELECT * FROM verify('reservations');
INSERT INTO reservations VALUES (103, 'house 4', '[2140-08-01,2140-08-02)');
SELECT count_free('reservations', '[2140-08-01,2140-08-02)'), count_free('reservations', '[2140-01-04,2140-01-05)');
-- other claims of the same rows
SELECT retrack('reservations', active => 'id <> 103');
SELECT count_free('reservations', '[2140-08-01,2140-08-02)');
SELECT * FROM verify('reservations');

-- the doctor
SELECT subject, finding, remedy FROM doctor() WHERE finding ~ 'sets';
INSERT INTO reservations SELECT 1000 + n, 'flat ' || n, daterange('2140-01-01', '2140-01-03') FROM generate_series(1, 20000) AS n;
SELECT pg_stat_force_next_flush();
SELECT subject, regexp_replace(finding, '\d{5}', 'N') AS finding, remedy FROM doctor() WHERE finding ~ 'sets';
SELECT fold('reservations');
SELECT pg_stat_force_next_flush();
SELECT subject, finding, remedy FROM doctor() WHERE finding ~ 'sets';
TRUNCATE reservations_set;
SELECT subject, finding, remedy FROM doctor() WHERE finding ~ 'sets';
DROP TABLE reservations_delta;
SELECT subject, finding FROM doctor() WHERE finding ~ 'companion';
SELECT untrack('reservations');
SELECT relname FROM pg_class WHERE relnamespace = 'set_search_damage'::regnamespace ORDER BY 1;
DROP SCHEMA set_search_damage CASCADE;
