-- The horizon: days before it are never stored, checked or verified; forget moves it forward.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_since;
SET search_path = track_since, public;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
-- long ago things overlapped, and were unbounded before what is supported
INSERT INTO reservations VALUES (1, 1, '[2020-01-01,2020-01-05)'), (2, 1, '[2020-01-03,2020-01-07)'), (3, 1, '[2026-12-30,2027-01-03)'), (4, 1, '[1950-01-01,1950-01-02)');
SELECT availability.track('reservations', since => '2027-01-01');
PREPARE state AS SELECT listing_id, booked, change, stay, was, (SELECT array_agg(day ORDER BY day) FROM reservations_day d WHERE d.listing_id = c.listing_id) AS days
    FROM reservations_calendar c ORDER BY 1;
EXECUTE state;
-- before it nothing is checked, across it what is after it
INSERT INTO reservations VALUES (5, 1, '[2020-01-04,2020-01-06)'), (6, 2, '[2026-12-01,2027-01-01)');
INSERT INTO reservations VALUES (7, 1, '[2026-12-01,2027-01-02)');
INSERT INTO reservations VALUES (7, 2, '[2026-12-01,2027-01-02)');
UPDATE reservations SET stay = '[2020-02-01,2027-01-02)' WHERE id = 7;
EXECUTE state;
UPDATE reservations SET stay = '[2020-02-01,2020-02-02)' WHERE id = 7;
EXECUTE state;
INSERT INTO reservations VALUES (8, 1, '(,2027-01-10)');
SELECT * FROM availability.verify('reservations');

-- forget
INSERT INTO reservations VALUES (9, 1, '[2027-01-10,2027-01-20)'), (10, 3, '[2027-01-01,2027-01-03)'), (11, 4, '[2027-03-01,2027-03-03)');
SELECT availability.forget('reservations', '2027-01-15');
EXECUTE state;
SELECT since FROM availability.tracked WHERE reservations = 'reservations'::regclass;
SELECT * FROM availability.verify('reservations');
-- what straddles the horizon can be moved and cancelled; what is before it is free for all
UPDATE reservations SET stay = '[2027-01-10,2027-01-17)' WHERE id = 9;
INSERT INTO reservations VALUES (12, 1, '[2027-01-11,2027-01-15)');
DELETE FROM reservations WHERE id IN (3, 10);
EXECUTE state;
SELECT availability.forget('reservations', '2027-01-01');
SELECT availability.forget('reservations', '2027-01-15');
SELECT availability.forget('reservations', 'infinity');
SELECT availability.forget('reservations', '1969-12-31');
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DEALLOCATE state;
DROP SCHEMA track_since CASCADE;
