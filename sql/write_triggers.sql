-- Beside the user's own triggers, exceptions and savepoints.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA write_triggers;
SET search_path = write_triggers, public;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations');
PREPARE state AS
    SELECT listing_id, booked, change, reservation_id AS reservation,
           (SELECT array_agg(d.reservation_id || ':' || to_char(d.day, 'MM-DD') ORDER BY day) FROM reservations_day d WHERE d.listing_id = c.listing_id) AS days
    FROM reservations_calendar c ORDER BY listing_id;

-- a BEFORE trigger that changes the row, or keeps it from being written
CREATE FUNCTION upgrade() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.listing_id = 13 THEN RETURN NULL; END IF;
    IF NEW.listing_id = 1 THEN NEW.listing_id := 100; NEW.stay := daterange(lower(NEW.stay), upper(NEW.stay) + 1); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER upgrade BEFORE INSERT OR UPDATE ON reservations FOR EACH ROW EXECUTE FUNCTION upgrade();
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-02)'), (2, 2, '[2027-05-01,2027-05-02)'), (3, 13, '[2027-05-01,2027-05-02)');
UPDATE reservations SET listing_id = 1 WHERE id = 2;
UPDATE reservations SET listing_id = 1, stay = '[2027-05-03,2027-05-04)' WHERE id = 2;
UPDATE reservations SET listing_id = 13 WHERE id = 1;
EXECUTE state;
DROP TRIGGER upgrade ON reservations;

-- an AFTER trigger that books the annex with the house; one that is refused takes the house with it
CREATE FUNCTION annex() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.listing_id < 1000 THEN
        INSERT INTO write_triggers.reservations VALUES (NEW.id + 1000, NEW.listing_id + 1000, NEW.stay);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER annex AFTER INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION annex();
INSERT INTO reservations VALUES (10, 10, '[2027-05-01,2027-05-03)'), (11, 10, '[2027-05-03,2027-05-04)');
INSERT INTO reservations VALUES (1012, 1011, '[2027-05-01,2027-05-03)');
INSERT INTO reservations VALUES (14, 11, '[2027-05-02,2027-05-04)');
EXECUTE state;
DROP TRIGGER annex ON reservations;

-- a deferred constraint trigger speaks last: what it undoes is undone whole
CREATE FUNCTION no_thirteenth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stay @> date '2027-06-13' THEN RAISE EXCEPTION 'not on the thirteenth'; END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER no_thirteenth AFTER INSERT OR UPDATE ON reservations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION no_thirteenth();
BEGIN;
INSERT INTO reservations VALUES (20, 20, '[2027-06-12,2027-06-14)');
COMMIT;
INSERT INTO reservations VALUES (21, 20, '[2027-06-14,2027-06-15)');
EXECUTE state;

-- exceptions that are caught, savepoints that are rolled back and released
DO $$
BEGIN
    INSERT INTO write_triggers.reservations VALUES (30, 30, '[2027-05-01,2027-05-03)');
    BEGIN
        INSERT INTO write_triggers.reservations VALUES (31, 30, '[2027-05-10,2027-05-11)'), (32, 30, '[2027-05-02,2027-05-04)');
    EXCEPTION WHEN unique_violation THEN
        INSERT INTO write_triggers.reservations VALUES (33, 30, '[2027-05-03,2027-05-04)');
    END;
END $$;
BEGIN;
SAVEPOINT a;
INSERT INTO reservations VALUES (34, 30, '[2027-05-20,2027-05-22)');
ROLLBACK TO a;
INSERT INTO reservations VALUES (35, 30, '[2027-05-21,2027-05-23)');
SAVEPOINT b;
DELETE FROM reservations WHERE id = 35;
SAVEPOINT c;
INSERT INTO reservations VALUES (36, 30, '[2027-05-20,2027-05-22)');
ROLLBACK TO c;
INSERT INTO reservations VALUES (37, 30, '[2027-05-22,2027-05-23)');
RELEASE b;
COMMIT;
EXECUTE state;

-- the user's own FK cascades into the table
CREATE TABLE guests (id int PRIMARY KEY);
INSERT INTO guests VALUES (1), (2);
ALTER TABLE reservations ADD COLUMN guest int REFERENCES guests ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO reservations VALUES (40, 40, '[2027-05-01,2027-05-03)', 1), (41, 41, '[2027-05-01,2027-05-03)', 2);
UPDATE guests SET id = 3 WHERE id = 2;
DELETE FROM guests WHERE id = 1;
EXECUTE state;
TRUNCATE guests CASCADE;
EXECUTE state;

SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DEALLOCATE state;
DROP SCHEMA write_triggers CASCADE;
