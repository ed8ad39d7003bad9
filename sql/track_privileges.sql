-- Who may what: an application books with rights on its own table alone, and learns nothing of others; owners manage.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE ROLE regress_owner;
CREATE ROLE regress_booker;
CREATE ROLE regress_nobody;
CREATE SCHEMA track_privileges AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA track_privileges TO regress_booker, regress_nobody;
SET search_path = track_privileges, public;

SET ROLE regress_owner;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, guest text);
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations');
GRANT INSERT, SELECT, UPDATE, DELETE ON reservations TO regress_booker;
GRANT INSERT ON reservations TO regress_nobody;
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)', 'Ada');
RESET ROLE;

-- the booker: books, moves, cancels; sees no companion, writes none, manages nothing
SET ROLE regress_booker;
INSERT INTO reservations VALUES (2, 1, '[2027-05-03,2027-05-05)', 'Bob');
UPDATE reservations SET listing_id = 2 WHERE id = 2;
DELETE FROM reservations WHERE id = 2;
INSERT INTO reservations VALUES (3, 1, '[2027-05-02,2027-05-05)', 'Cleo');
SELECT companion, raised(format('SELECT FROM %s', companion)), raised(format('DELETE FROM %s', companion))
FROM unnest('{reservations_calendar,reservations_day,reservations_month,reservations_open,reservations_claims,availability.tracked}'::text[]) AS companion;
SELECT call, raised('SELECT availability.' || call)
FROM unnest(ARRAY['track(''listings'', key => ''id'', stay => ''NULL::daterange'')', 'untrack(''reservations'')', 'repair(''reservations'')',
                  'forget(''reservations'', ''2027-01-01'')', 'verify(''reservations'')']) AS call;
SELECT raised('CREATE TRIGGER t AFTER INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION availability.claim_changed()');
RESET ROLE;

-- with INSERT alone: learns which of its days are taken, and nothing else
SET ROLE regress_nobody;
INSERT INTO reservations VALUES (4, 1, '[2027-04-01,2027-06-01)', 'Eve');
SELECT raised('SELECT FROM reservations'), raised('SELECT reservations_claim(r) FROM reservations r');
RESET ROLE;

-- reading is for granting
SET ROLE regress_owner;
GRANT SELECT ON reservations_calendar, reservations_month TO regress_nobody;
SET ROLE regress_nobody;
SELECT listing_id, booked FROM reservations_calendar WHERE availability.is_available(booked, '[2027-05-01,2027-05-04)') ORDER BY listing_id;
SELECT listing_id, month, booked_days FROM reservations_month ORDER BY 1, 2;
RESET ROLE;

-- row-level security on the table hides rows from its readers, not from the guarantee
ALTER TABLE reservations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON reservations USING (guest = current_user) WITH CHECK (guest = current_user);
SET ROLE regress_booker;
SELECT count(*) AS visible FROM reservations;
INSERT INTO reservations VALUES (5, 1, '[2027-05-02,2027-05-05)', 'regress_booker');
INSERT INTO reservations VALUES (5, 1, '[2027-05-03,2027-05-05)', 'regress_booker');
UPDATE reservations SET stay = '[2027-05-04,2027-05-06)';
RESET ROLE;
SET ROLE regress_owner;
SELECT * FROM availability.verify('reservations');
RESET ROLE;
SELECT * FROM availability.verify('reservations');
SELECT listing_id, booked FROM reservations_calendar ORDER BY listing_id;

-- the listings of another owner: track asks for the rights that it needs
CREATE TABLE track_privileges.houses (id int PRIMARY KEY);
SET ROLE regress_owner;
CREATE TABLE bookings (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('bookings', listings => 'houses');
RESET ROLE;
GRANT SELECT, TRIGGER ON houses TO regress_owner;
SET ROLE regress_owner;
SELECT availability.track('bookings', listings => 'houses');
RESET ROLE;
INSERT INTO houses VALUES (1);
SELECT listing_id, booked FROM bookings_calendar;

SET ROLE regress_owner;
SELECT availability.untrack('bookings');
SELECT availability.untrack('reservations');
RESET ROLE;
DROP SCHEMA track_privileges CASCADE;
DROP ROLE regress_owner, regress_booker, regress_nobody;
