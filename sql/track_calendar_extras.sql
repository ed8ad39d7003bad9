-- Calendars are ordinary tables: columns, indexes, checks and triggers of one's own are kept up.
SET client_min_messages = warning;
CREATE SCHEMA track_calendar_extras;
SET search_path = track_calendar_extras, availability;

CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations');

-- A plain column keeps its value through bookings, an index finds the new calendars.
ALTER TABLE reservations_calendar ADD COLUMN market text NOT NULL DEFAULT 'coast';
CREATE INDEX ON reservations_calendar (booked);
INSERT INTO reservations VALUES (1, 1, '[2027-01-01,2027-01-05)');
UPDATE reservations_calendar SET market = 'hills';
INSERT INTO reservations VALUES (2, 1, '[2027-01-05,2027-01-07)');
SET enable_seqscan = off;
SELECT listing_id, market, booked FROM reservations_calendar WHERE booked = '{[2027-01-01,2027-01-07)}';
RESET enable_seqscan;

-- A generated column, a check and a trigger.
ALTER TABLE reservations_calendar
    ADD COLUMN nights int GENERATED ALWAYS AS (availability.booked_days(booked)) STORED,
    ADD CONSTRAINT not_too_full CHECK (availability.booked_days(booked) <= 10);
CREATE TABLE heard (n int GENERATED ALWAYS AS IDENTITY, listing int, change text, nights int);
CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO track_calendar_extras.heard (listing, change, nights) VALUES (NEW.listing_id, NEW.change, NEW.nights);
    RETURN NULL;
END
$$;
CREATE TRIGGER hear AFTER INSERT OR UPDATE ON reservations_calendar FOR EACH ROW EXECUTE FUNCTION hear();
INSERT INTO reservations VALUES (3, 1, '[2027-01-07,2027-01-10)'), (4, 2, '[2027-01-01,2027-01-02)');
DELETE FROM reservations WHERE id = 2;
UPDATE reservations SET listing_id = 2 WHERE id = 3;
\set VERBOSITY terse
INSERT INTO reservations VALUES (5, 1, '[2027-02-01,2027-02-11)');
INSERT INTO reservations VALUES (6, 2, '[2027-01-09,2027-01-12)');
SELECT listing_id, booked, change, nights, market FROM reservations_calendar ORDER BY listing_id;
SELECT listing, change, nights FROM heard ORDER BY n;
SELECT * FROM availability.verify('reservations');

SELECT availability.untrack('reservations');
DROP SCHEMA track_calendar_extras CASCADE;
