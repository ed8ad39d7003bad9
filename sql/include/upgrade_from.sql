-- The part of the test upgrade that is the same for each version: psql's variable version says which.
SET client_min_messages = warning;
CREATE EXTENSION availability VERSION :'version';
SELECT subject, remedy FROM availability.doctor() WHERE subject ~ 'extension';

-- Under the old version: with listings and day rows; without either; partitions, and expressions.
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
CREATE TABLE rentals (id uuid PRIMARY KEY, car text, first_day date, nights int);
CREATE TABLE visits (id int, house int, check_in date, check_out date, status text, PRIMARY KEY (id, house)) PARTITION BY LIST (house);
CREATE TABLE visits_one PARTITION OF visits FOR VALUES IN (1);
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations');
SELECT availability.track('rentals', 'car', 'daterange(first_day, first_day + nights)', day_rows => false);
SELECT availability.track('visits', 'house', active => $$status = 'confirmed'$$, key => 'id');
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)'), (2, 2, '[2027-05-01,2027-05-03)');
UPDATE reservations SET stay = '[2027-05-03,2027-05-06)' WHERE id = 2;
INSERT INTO rentals SELECT md5(n::text)::uuid, 'car ' || n % 3, date '2027-01-01' + n, 2 FROM generate_series(1, 9) AS n WHERE n NOT IN (4, 5, 6);
INSERT INTO visits SELECT n, n % 3, date '2027-01-01' + n, date '2027-01-03' + n, 'confirmed' FROM generate_series(1, 6) AS n;
UPDATE visits SET status = 'cancelled' WHERE id = 3;
SELECT :'version' >= '0.2' AS books \gset
\if :books
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-07-01,2027-07-04)', 'old key', '{"id": 7}');
SELECT availability.hold('reservations', 2, '[2027-07-01,2027-07-04)', '50 minutes') AS old_hold \gset
\endif
SELECT answer($$INSERT INTO reservations VALUES (3, 1, '[2027-05-02,2027-05-04)')$$);

ALTER EXTENSION availability UPDATE;
SELECT object AS only_upgraded FROM catalog() EXCEPT SELECT object FROM installed;
SELECT object AS only_installed FROM installed EXCEPT SELECT object FROM catalog();
SELECT reservations, v.* FROM availability.tracked, availability.verify(reservations) AS v;
-- Companions are tied to the extension, so that they go with it.
SELECT count(DISTINCT (classid, objid)) AS tied FROM pg_depend WHERE deptype = 'n' AND refclassid = 'pg_extension'::regclass;

-- The same session and its tracked tables, under the new one.
SELECT answer($$INSERT INTO reservations VALUES (3, 1, '[2027-05-02,2027-05-04)')$$);
INSERT INTO reservations VALUES (3, 2, '[2027-05-06,2027-05-08)');
SELECT answer($$INSERT INTO rentals VALUES (md5('4')::uuid, 'car 1', '2027-01-02', 2)$$);
INSERT INTO rentals VALUES (md5('4')::uuid, 'car 1', '2027-01-05', 2);
SELECT answer($$INSERT INTO visits VALUES (7, 1, '2027-01-03', '2027-01-04', 'confirmed')$$);
SELECT answer($$UPDATE visits SET house = 2 WHERE id = 4$$);
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-06-01,2027-06-04)', 'key', '{"id": 4}');
\if :books
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-07-01,2027-07-04)', 'old key', '{"id": 7}');
SELECT reservation_id FROM availability.confirm('reservations', :'old_hold', '{"id": 8}');
\endif
SELECT availability.release(availability.hold('reservations', 2, '[2027-06-01,2027-06-04)'));
SELECT listing_id, booked FROM reservations_calendar ORDER BY 1;
SELECT listing_id, booked FROM rentals_calendar ORDER BY 1;
SELECT listing_id, booked FROM visits_calendar ORDER BY 1;
SELECT count(*) AS tables, count(hold) AS with_holds, count(request) AS with_requests FROM availability.tracked;
SELECT reservations, v.* FROM availability.tracked, availability.verify(reservations) AS v;
SELECT availability.untrack(reservations) FROM availability.tracked;
SELECT relname FROM pg_class WHERE relname ~ '^(reservations|rentals|visits)_' AND relkind <> 'i' ORDER BY 1;
DROP TABLE reservations, rentals, visits, listings;
DROP EXTENSION availability;
