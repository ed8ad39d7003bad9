-- How a reservation can change: the calendar says what happened, and only the days that change hands are written.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA write_changes;
SET search_path = write_changes, public;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, status text, cancelled_at date);
SELECT availability.track('reservations', active => $$status = 'confirmed' AND cancelled_at IS NULL$$);
PREPARE state AS
    SELECT listing_id, booked, change, reservation_id AS reservation, stay, was,
           (SELECT array_agg(d.reservation_id || ':' || to_char(d.day, 'MM-DD') ORDER BY day) FROM reservations_day d WHERE d.listing_id = c.listing_id) AS days
    FROM reservations_calendar c ORDER BY listing_id;
INSERT INTO reservations VALUES (1, 1, '[2027-05-10,2027-05-13)', 'confirmed'), (2, 2, '[2027-05-01,2027-05-02)', 'confirmed');

-- later, over some of its own days; earlier; shorter; longer; elsewhere; bounds written another way
UPDATE reservations SET stay = '[2027-05-11,2027-05-14)' WHERE id = 1;
EXECUTE state;
UPDATE reservations SET stay = '[2027-05-09,2027-05-12)' WHERE id = 1;
UPDATE reservations SET stay = '[2027-05-10,2027-05-11)' WHERE id = 1;
EXECUTE state;
UPDATE reservations SET stay = '[2027-05-09,2027-05-12)' WHERE id = 1;
UPDATE reservations SET stay = '[2027-05-20,2027-05-22)' WHERE id = 1;
EXECUTE state;
UPDATE reservations SET stay = '(2027-05-19,2027-05-21]' WHERE id = 1;
EXECUTE state;

-- another key; another key and stay
UPDATE reservations SET id = 3 WHERE id = 1;
EXECUTE state;
UPDATE reservations SET id = 4, stay = '[2027-05-21,2027-05-24)' WHERE id = 3;
EXECUTE state;

-- another listing; listing, key and stay at once; no listing and back; onto taken days
UPDATE reservations SET listing_id = 2 WHERE id = 4;
EXECUTE state;
UPDATE reservations SET listing_id = 1, id = 5, stay = '[2027-06-01,2027-06-03)' WHERE id = 4;
EXECUTE state;
UPDATE reservations SET listing_id = NULL WHERE id = 5;
EXECUTE state;
UPDATE reservations SET listing_id = 3 WHERE id = 5;
EXECUTE state;
UPDATE reservations SET listing_id = 2, stay = '[2027-04-28,2027-05-05)' WHERE id = 5;
EXECUTE state;

-- back and forth between active and not; NULL is not active
UPDATE reservations SET status = 'cancelled' WHERE id = 5;
EXECUTE state;
UPDATE reservations SET status = 'confirmed' WHERE id = 5;
UPDATE reservations SET cancelled_at = '2027-01-01' WHERE id = 5;
UPDATE reservations SET status = NULL, cancelled_at = NULL WHERE id = 5;
EXECUTE state;
UPDATE reservations SET status = 'confirmed', stay = '[2027-06-02,2027-06-03)' WHERE id = 5;
EXECUTE state;
-- while another guest has its days, a cancelled one can't come back
INSERT INTO reservations VALUES (6, 2, '[2027-05-01,2027-05-04)', 'enquiry');
UPDATE reservations SET status = 'confirmed' WHERE id = 6;
DELETE FROM reservations WHERE id = 2;
UPDATE reservations SET status = 'confirmed' WHERE id = 6;
EXECUTE state;

-- no stay: accepted, holds nothing
INSERT INTO reservations VALUES (7, 7, NULL, 'confirmed'), (8, 8, 'empty', 'confirmed');
UPDATE reservations SET stay = NULL WHERE id = 6;
UPDATE reservations SET stay = 'empty' WHERE id = 5;
EXECUTE state;

SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DEALLOCATE state;
DROP SCHEMA write_changes CASCADE;
