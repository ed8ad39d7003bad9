-- Partitioned tables of reservations: by range of date and by hash of listing, with leaves of another layout.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA write_partitions;
SET search_path = write_partitions, public;

CREATE TABLE reservations (id int, listing_id int, check_in date, check_out date, status text DEFAULT 'confirmed', PRIMARY KEY (id, check_in))
    PARTITION BY RANGE (check_in);
CREATE TABLE reservations_2027 PARTITION OF reservations FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
-- other columns in another order, one of them dropped
CREATE TABLE reservations_2028 (status text, gone int, check_out date NOT NULL, id int NOT NULL, check_in date NOT NULL, listing_id int);
ALTER TABLE reservations_2028 DROP COLUMN gone;
ALTER TABLE reservations ATTACH PARTITION reservations_2028 FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
SELECT availability.track('reservations', key => 'id', active => $$status = 'confirmed'$$);
INSERT INTO reservations VALUES (1, 1, '2027-12-30', '2028-01-02'), (2, 1, '2028-01-02', '2028-01-04'), (3, 2, '2028-05-01', '2028-05-03');
INSERT INTO reservations VALUES (4, 1, '2028-01-01', '2028-01-03');
INSERT INTO reservations_2028 (id, listing_id, check_in, check_out, status) VALUES (5, 1, '2028-01-03', '2028-01-05', 'confirmed');
INSERT INTO reservations_2028 (id, listing_id, check_in, check_out, status) VALUES (5, 2, '2028-05-03', '2028-05-05', 'confirmed');
-- a row that changes partition is a delete and an insert
UPDATE reservations SET check_in = '2027-12-29', check_out = '2027-12-30' WHERE id = 2;
UPDATE reservations SET check_in = '2028-01-02', check_out = '2028-01-03' WHERE id = 1;
UPDATE reservations_2028 SET status = 'cancelled' WHERE id = 3;
DELETE FROM reservations_2028 WHERE id = 5;
SELECT listing_id, booked, change, reservation_id FROM reservations_calendar ORDER BY listing_id;
SELECT listing_id, day, reservation_id FROM reservations_day ORDER BY listing_id, day;
-- a new partition has the trigger
CREATE TABLE reservations_2029 PARTITION OF reservations FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');
INSERT INTO reservations VALUES (6, 2, '2029-01-01', '2029-01-03');
INSERT INTO reservations VALUES (7, 2, '2029-01-02', '2029-01-03');
SELECT * FROM availability.verify('reservations');

-- What gets past the triggers is found and mended: a leaf that comes with rows, one that goes, one that is truncated.
CREATE TABLE reservations_2030 (LIKE reservations);
INSERT INTO reservations_2030 VALUES (8, 2, '2030-01-01', '2030-01-03', 'confirmed');
ALTER TABLE reservations ATTACH PARTITION reservations_2030 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
SELECT availability.repair('reservations');
INSERT INTO reservations VALUES (9, 2, '2030-01-02', '2030-01-04');
ALTER TABLE reservations DETACH PARTITION reservations_2029;
INSERT INTO reservations_2029 VALUES (70, 2, '2029-01-02', '2029-01-03');
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
SELECT availability.repair('reservations');
TRUNCATE reservations_2030;
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
TRUNCATE reservations;
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY listing_id;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

-- By hash of the listing, two levels deep.
CREATE TABLE stays (id int, listing_id int, stay daterange, PRIMARY KEY (id, listing_id)) PARTITION BY HASH (listing_id);
CREATE TABLE stays_0 PARTITION OF stays FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY LIST (id);
CREATE TABLE stays_0_rest PARTITION OF stays_0 DEFAULT;
CREATE TABLE stays_1 PARTITION OF stays FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT availability.track('stays', key => 'id');
INSERT INTO stays SELECT n, n, '[2027-05-01,2027-05-03)' FROM generate_series(1, 6) AS n;
UPDATE stays SET listing_id = listing_id + 10 WHERE id <= 3;
UPDATE stays SET listing_id = 4 WHERE id = 1;
UPDATE stays SET listing_id = 4, stay = '[2027-05-03,2027-05-04)' WHERE id = 1;
SELECT listing_id, booked FROM stays_calendar WHERE NOT availability.is_empty(booked) ORDER BY listing_id;
SELECT * FROM availability.verify('stays');
SELECT availability.untrack('stays');
DROP SCHEMA write_partitions CASCADE;
