-- Every statement that can write a reservation: what it books is in the calendar, and what would book twice is refused whole.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA write_statements;
SET search_path = write_statements, public;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, guest text);
SELECT availability.track('reservations');
PREPARE state AS
    SELECT listing_id, booked, change, reservation_id AS reservation, stay, was,
           (SELECT array_agg(d.reservation_id || ':' || to_char(d.day, 'MM-DD') ORDER BY day) FROM reservations_day d WHERE d.listing_id = c.listing_id) AS days
    FROM reservations_calendar c ORDER BY listing_id;

-- INSERT of many rows: all or nothing
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)'), (2, 2, '[2027-05-01,2027-05-02)'), (3, 1, '[2027-05-03,2027-05-04)');
EXECUTE state;
INSERT INTO reservations VALUES (4, 1, '[2027-06-01,2027-06-03)'), (5, 1, '[2027-06-02,2027-06-04)');
INSERT INTO reservations SELECT n, 3, daterange(date '2027-06-01' + n, date '2027-06-03' + n) FROM generate_series(6, 8) n;
EXECUTE state;

-- COPY
COPY reservations (id, listing_id, stay) FROM stdin;
9	3	[2027-05-10,2027-05-11)
10	1	[2027-05-10,2027-05-12)
11	3	[2027-05-11,2027-05-12)
\.
EXECUTE state;
COPY reservations (id, listing_id, stay) FROM stdin;
12	3	[2027-05-20,2027-05-21)
13	1	[2027-05-11,2027-05-13)
\.
EXECUTE state;

-- ON CONFLICT is about the reservation's own key: it does not swallow a double booking
INSERT INTO reservations VALUES (9, 3, '[2027-07-01,2027-07-02)') ON CONFLICT DO NOTHING;
INSERT INTO reservations VALUES (14, 3, '[2027-05-10,2027-05-12)') ON CONFLICT DO NOTHING;
INSERT INTO reservations VALUES (9, 3, '[2027-05-08,2027-05-11)') ON CONFLICT (id) DO UPDATE SET stay = excluded.stay;
INSERT INTO reservations VALUES (9, 3, '[2027-05-08,2027-05-12)') ON CONFLICT (id) DO UPDATE SET stay = excluded.stay;
EXECUTE state;

-- MERGE: its branches insert, update and delete
MERGE INTO reservations r
USING (VALUES (9, '[2027-05-09,2027-05-11)'::daterange), (10, NULL), (15, '[2027-05-13,2027-05-14)')) AS s (id, stay) ON r.id = s.id
WHEN MATCHED AND s.stay IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET stay = s.stay
WHEN NOT MATCHED THEN INSERT VALUES (s.id, 3, s.stay);
EXECUTE state;
MERGE INTO reservations r USING (VALUES (16, '[2027-05-13,2027-05-15)'::daterange)) AS s (id, stay) ON r.id = s.id
WHEN NOT MATCHED THEN INSERT VALUES (s.id, 3, s.stay);

-- CTEs that write; UPDATE … FROM; DELETE … USING
WITH gone AS (DELETE FROM reservations WHERE id = 15 RETURNING *)
INSERT INTO reservations SELECT 17, 2, stay, guest FROM gone;
EXECUTE state;
UPDATE reservations r SET stay = s.stay FROM (VALUES (17, '[2027-05-14,2027-05-15)'::daterange)) AS s (id, stay) WHERE r.id = s.id;
DELETE FROM reservations r USING (VALUES (11)) AS s (id) WHERE r.id = s.id;
EXECUTE state;

-- a column that is not part of the claim: nothing is written beside the row
CREATE TEMP TABLE versions AS SELECT listing_id, version, ctid AS place FROM reservations_calendar;
UPDATE reservations SET guest = 'Ada', stay = stay;
SELECT bool_and(c.version = v.version AND c.ctid = v.place) AS untouched FROM reservations_calendar c JOIN versions v USING (listing_id);

-- rows of one statement are checked in order: two stays can't be swapped in one, but in two
INSERT INTO reservations VALUES (20, 5, '[2027-08-01,2027-08-03)'), (21, 5, '[2027-08-03,2027-08-05)');
UPDATE reservations SET stay = CASE id WHEN 20 THEN daterange '[2027-08-03,2027-08-05)' ELSE daterange '[2027-08-01,2027-08-03)' END WHERE listing_id = 5;
BEGIN;
UPDATE reservations SET listing_id = NULL WHERE listing_id = 5;
UPDATE reservations SET listing_id = 5, stay = CASE id WHEN 20 THEN daterange '[2027-08-03,2027-08-05)' ELSE daterange '[2027-08-01,2027-08-03)' END WHERE id IN (20, 21);
COMMIT;
EXECUTE state;

-- TRUNCATE
TRUNCATE reservations;
EXECUTE state;

SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DEALLOCATE state;
DROP TABLE versions;
DROP SCHEMA write_statements CASCADE;
