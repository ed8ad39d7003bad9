-- Rows that one statement changes more than once: what they hold at last is taken, what they held at first released.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE FUNCTION held() RETURNS TABLE (listing_id int, booked availability.dayset, change text) LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT c.listing_id, c.booked, c.change FROM reservations_calendar c ORDER BY 1; END';

-- two columns that follow the listings
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (
    id         int PRIMARY KEY,
    listing_id int REFERENCES listings ON UPDATE CASCADE ON DELETE SET NULL,
    paid_for   int REFERENCES listings ON UPDATE CASCADE ON DELETE SET NULL,
    stay       daterange);
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, 1, 1, '[2027-05-01,2027-05-03)'), (2, 1, 2, '[2027-05-03,2027-05-05)'), (3, 2, 1, '[2027-05-01,2027-05-02)');
UPDATE listings SET id = 10 * id;
SELECT * FROM reservations ORDER BY id;
SELECT * FROM held();
SELECT * FROM availability.verify('reservations');
DELETE FROM listings WHERE id = 10;
SELECT * FROM reservations ORDER BY id;
SELECT * FROM held();
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings;

-- a row that its statement changes and an action of its own foreign key changes once more
CREATE TABLE reservations (
    id         int PRIMARY KEY,
    parent     int REFERENCES reservations ON DELETE SET NULL,
    listing_id int,
    stay       daterange);
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, NULL, 1, '[2027-05-01,2027-05-03)'), (2, 1, 2, '[2027-05-01,2027-05-03)'), (3, 1, 3, '[2027-05-01,2027-05-03)');
MERGE INTO reservations r USING (VALUES (1), (2), (3)) AS v (id) ON r.id = v.id
WHEN MATCHED AND r.id = 1 THEN DELETE
WHEN MATCHED THEN UPDATE SET listing_id = 1, stay = daterange(date '2027-05-01' + r.id, date '2027-05-02' + r.id);
SELECT * FROM reservations ORDER BY id;
SELECT * FROM held();
SELECT * FROM availability.verify('reservations');

-- deleted by the action after its statement changed it
ALTER TABLE reservations DROP CONSTRAINT reservations_parent_fkey, ADD FOREIGN KEY (parent) REFERENCES reservations ON DELETE CASCADE;
INSERT INTO reservations VALUES (4, NULL, 4, '[2027-05-01,2027-05-03)'), (5, 4, 5, '[2027-05-01,2027-05-03)');
MERGE INTO reservations r USING (VALUES (4), (5)) AS v (id) ON r.id = v.id
WHEN MATCHED AND r.id = 4 THEN DELETE
WHEN MATCHED THEN UPDATE SET listing_id = 4;
SELECT * FROM reservations ORDER BY id;
SELECT * FROM held();
SELECT * FROM availability.verify('reservations');

-- in a subtransaction that is rolled back, and once more
BEGIN;
INSERT INTO reservations VALUES (6, NULL, 6, '[2027-05-01,2027-05-03)'), (7, 6, 7, '[2027-05-01,2027-05-03)');
SAVEPOINT a;
MERGE INTO reservations r USING (VALUES (6), (7)) AS v (id) ON r.id = v.id
WHEN MATCHED AND r.id = 6 THEN DELETE WHEN MATCHED THEN UPDATE SET listing_id = 6;
SELECT * FROM held() WHERE listing_id > 5;
ROLLBACK TO a;
SELECT * FROM held() WHERE listing_id > 5;
MERGE INTO reservations r USING (VALUES (6), (7)) AS v (id) ON r.id = v.id
WHEN MATCHED AND r.id = 6 THEN DELETE WHEN MATCHED THEN UPDATE SET listing_id = 6;
COMMIT;
SELECT * FROM held() WHERE listing_id > 5;
SELECT * FROM availability.verify('reservations');

-- a row that a trigger's statement changes before its own event: what it holds can't be told, so it is refused
CREATE FUNCTION move_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reservations SET stay = daterange(upper(stay), upper(stay) + 1) WHERE parent = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER move_others AFTER INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION move_others();
INSERT INTO reservations VALUES (8, NULL, 8, '[2027-05-01,2027-05-03)'), (9, 8, 9, '[2027-05-01,2027-05-03)');
SELECT * FROM held() WHERE listing_id > 7;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations;
DROP FUNCTION move_others(), held();
