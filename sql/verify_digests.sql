-- verify looks at the days of those listings alone whose digests differ: nothing that is wrong has the digest of what is right.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';

-- the digest of a set is that of its parts, in any order; other days, or another seed, make another one
WITH sets AS (SELECT seed, availability.dayset_agg(date '2027-01-01' + n) AS days,
        bit_xor(availability.days_digest(date '2027-01-01' + n, seed)) AS of_days,
        bit_xor(availability.days_digest(daterange(date '2027-01-01' + n, date '2027-01-02' + n), seed)) AS of_stays
    FROM generate_series(0, 400) AS n CROSS JOIN generate_series(0, 3) AS seed WHERE hashint4(n) % 3 <> 0 GROUP BY seed)
SELECT seed, availability.days_digest(days, seed) = of_days AS days, of_days = of_stays AS stays,
    of_days <> availability.days_digest(days, seed + 1) AS seeded FROM sets ORDER BY seed;
SELECT count(DISTINCT availability.days_digest(day::date, 0)) AS different
FROM generate_series(date '1970-01-01', date '2149-06-06', interval '1 day') AS day;
SELECT availability.days_digest(availability.dayset '{}', 1), availability.days_digest(daterange 'empty', 1),
    availability.days_digest(date '1969-12-31', 1), availability.days_digest(date 'infinity', 1), availability.days_digest(daterange '(,1970-01-01)', 1);

CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations');
INSERT INTO reservations SELECT n, n, '[2027-05-01,2027-05-03)' FROM generate_series(1, 8) AS n;
SELECT * FROM availability.verify('reservations');

-- as many days, others; a day that is claimed twice where the calendar has as many; day rows of each other's reservations
UPDATE reservations_calendar SET booked = '{[2027-05-02,2027-05-04)}' WHERE listing_id = 1;
ALTER TABLE reservations DISABLE TRIGGER USER;
INSERT INTO reservations VALUES (12, 2, '[2027-05-01,2027-05-03)'), (13, 3, '[2027-05-01,2027-05-02)');
ALTER TABLE reservations ENABLE TRIGGER USER;
UPDATE reservations_calendar SET booked = '{[2027-05-01,2027-05-03),[2027-06-01,2027-06-03)}' WHERE listing_id = 2;
INSERT INTO reservations_day VALUES (2, '2027-06-01', 2), (2, '2027-06-02', 2);
UPDATE reservations_day SET reservation_id = 5 WHERE listing_id = 4;
UPDATE reservations_day SET reservation_id = 4 WHERE listing_id = 5;
UPDATE reservations_day SET day = '2027-05-07' WHERE listing_id = 6 AND day = '2027-05-02';
UPDATE reservations_day SET reservation_id = NULL WHERE listing_id = 7;
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
DELETE FROM reservations WHERE id > 10;
SELECT availability.repair('reservations');
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations;
