-- What the index is for: beside a place or a market, and as an exclusion constraint over stays that are not one range.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE EXTENSION btree_gist;
CREATE SCHEMA gist_uses;
SET search_path = gist_uses, public, availability;
SELECT setseed(0.5) \gset

-- beside a place
CREATE TABLE homes (id int, place point, booked dayset);
INSERT INTO homes SELECT n, point(random(), random()), random_days(6, 60, 400)::dayset FROM generate_series(1, 5000) AS n;
CREATE INDEX homes_place_booked ON homes USING gist (place, booked);
ANALYZE homes;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM homes WHERE place <@ box '(0.2,0.2),(0.4,0.4)' AND booked !&& daterange '[2026-07-04,2026-07-11)';
CREATE TABLE found AS SELECT id FROM homes WHERE place <@ box '(0.2,0.2),(0.4,0.4)' AND booked !&& daterange '[2026-07-04,2026-07-11)';
RESET enable_seqscan;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT count(*) = (SELECT count(*) FROM found) AS same, count(*) > 20 AS some FROM homes
WHERE place <@ box '(0.2,0.2),(0.4,0.4)' AND booked !&& daterange '[2026-07-04,2026-07-11)';
RESET enable_indexscan;
RESET enable_bitmapscan;

-- a tracked table's calendar
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations');
CREATE INDEX ON reservations_calendar USING gist (booked);
INSERT INTO reservations SELECT n, n % 50, daterange(date '2026-01-01' + 3 * (n / 50), date '2026-01-01' + 3 * (n / 50) + 2) FROM generate_series(1, 1000) AS n;
DELETE FROM reservations WHERE listing_id % 10 = 0 AND stay @> date '2026-01-10';
INSERT INTO reservations VALUES (5000, 1, '[2026-01-01,2026-01-02)');
SET enable_seqscan = off;
SELECT listing_id FROM reservations_calendar WHERE booked !&& daterange '[2026-01-10,2026-01-11)' ORDER BY listing_id;
RESET enable_seqscan;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

-- an exclusion constraint: a time share has some weeks of the year
CREATE TABLE shares (unit int, days dayset, EXCLUDE USING gist (unit WITH =, days WITH &&));
INSERT INTO shares VALUES (1, '{[2026-01-01,2026-01-08),[2026-07-01,2026-07-08)}'), (1, '{[2026-01-08,2026-01-15)}'), (2, '{[2026-01-01,2026-01-08)}'), (1, NULL), (1, '{}'), (1, '{}');
INSERT INTO shares VALUES (1, '{[2026-03-01,2026-03-08),[2026-07-07,2026-07-14)}');
INSERT INTO shares VALUES (2, '{[2026-03-01,2026-03-08),[2026-07-07,2026-07-14)}');
UPDATE shares SET unit = 1 WHERE days && daterange '[2026-03-01,2026-03-02)';
SELECT * FROM shares ORDER BY unit, days;

DROP SCHEMA gist_uses CASCADE;
DROP EXTENSION btree_gist;
