-- Holds of a listing that gets another key: they move along, wherever its reservations do.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_rekeyed;
SET search_path = booking_rekeyed;
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE TABLE listings (id text PRIMARY KEY, other text UNIQUE);
INSERT INTO listings SELECT l, l FROM unnest('{a,b,c}'::text[]) AS l;
CREATE TABLE cascading (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text REFERENCES listings ON UPDATE CASCADE, stay daterange);
CREATE TABLE refusing (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text REFERENCES listings, stay daterange);
CREATE TABLE losing (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text REFERENCES listings ON UPDATE SET NULL, stay daterange);
CREATE TABLE loose (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text, stay daterange);
SELECT availability.track('cascading', since => '2027-01-02'), availability.track('refusing', day_rows => false), availability.track('losing'), availability.track('loose', listings => 'listings');
SELECT t, availability.hold(t, 'a', '[2027-01-01,2027-01-05)') IS NOT NULL AS held, availability.hold(t, 'a', '[2027-01-10,2027-01-12)') IS NOT NULL AS held, availability.hold(t, 'b', '[2027-01-01,2027-01-03)') IS NOT NULL AS held
FROM unnest('{cascading,refusing,losing,loose}'::regclass[]) AS t;
INSERT INTO cascading (listing_id, stay) VALUES ('a', '[2027-01-06,2027-01-08)');
INSERT INTO losing (listing_id, stay) VALUES ('a', '[2027-01-06,2027-01-08)');

BEGIN;
UPDATE listings SET id = 'z' WHERE id = 'a';
SELECT 'cascading' AS t, listing_id, booked, change FROM cascading_calendar UNION ALL SELECT 'refusing', listing_id, booked, change FROM refusing_calendar
UNION ALL SELECT 'losing', listing_id, booked, change FROM losing_calendar UNION ALL SELECT 'loose', listing_id, booked, change FROM loose_calendar ORDER BY 1, 2;
SELECT 'cascading' AS t, listing_id, stay FROM cascading_hold UNION ALL SELECT 'refusing', listing_id, stay FROM refusing_hold
UNION ALL SELECT 'losing', listing_id, stay FROM losing_hold UNION ALL SELECT 'loose', listing_id, stay FROM loose_hold ORDER BY 1, 2, 3;
SELECT t, count(v.kind) FROM unnest('{cascading,refusing,losing,loose}'::regclass[]) AS t LEFT JOIN LATERAL availability.verify(t) AS v ON true GROUP BY t ORDER BY t;
-- they are holds as before
SELECT availability.book('cascading', 'z', '[2027-01-04,2027-01-06)');
ROLLBACK;
UPDATE listings SET id = 'z' WHERE id = 'a';
SELECT (availability.confirm('cascading', hold_id)).reservation_id IS NOT NULL AS confirmed FROM (SELECT hold_id FROM cascading_hold WHERE listing_id = 'z' ORDER BY stay OFFSET 0) AS h;
SELECT availability.release(hold_id) FROM (SELECT hold_id FROM refusing_hold WHERE listing_id = 'z' ORDER BY stay OFFSET 0) AS h;
SELECT listing_id, stay FROM cascading ORDER BY stay;

-- two that change places, one whose key stays, one that loses it
BEGIN;
UPDATE listings SET id = CASE id WHEN 'z' THEN 'y' WHEN 'b' THEN 'x' ELSE id END, other = 'o' || other;
SELECT listing_id, stay FROM losing_hold ORDER BY 1, 2;
UPDATE listings SET id = CASE id WHEN 'y' THEN 'x' WHEN 'x' THEN 'w' ELSE id END WHERE id <> 'c';
ROLLBACK;
SELECT t, count(v.kind) FROM unnest('{cascading,refusing,losing,loose}'::regclass[]) AS t LEFT JOIN LATERAL availability.verify(t) AS v ON true GROUP BY t ORDER BY t;
CREATE TABLE rooms (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO rooms VALUES (1, 'one'), (2, NULL);
CREATE TABLE of_rooms (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text REFERENCES rooms (name) ON UPDATE CASCADE, stay daterange);
SELECT availability.track('of_rooms');
SELECT availability.hold('of_rooms', 'one', '[2027-01-01,2027-01-05)') IS NOT NULL AS held;
INSERT INTO of_rooms (listing_id, stay) VALUES ('one', '[2027-02-01,2027-02-05)');
UPDATE rooms SET name = 'two' WHERE id = 2;
SELECT listing_id, booked FROM of_rooms_calendar ORDER BY 1;
UPDATE rooms SET name = NULL WHERE id = 1;
SELECT listing_id, booked FROM of_rooms_calendar ORDER BY 1;
SELECT count(*) FROM of_rooms_hold;
SELECT count(*) FROM availability.verify('of_rooms');

DROP SCHEMA booking_rekeyed CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
