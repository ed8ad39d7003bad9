-- Nothing is dropped, emptied or read that is not proved to be a companion, whatever a row of availability.tracked says:
-- a restore may have brought the numbers of what was dropped before the dump, which are other objects now.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_provenance;
SET search_path = track_provenance, public;
CREATE TABLE accounts (id int PRIMARY KEY, balance numeric);
CREATE TABLE ledger (listing_id int, day date, amount numeric);
CREATE VIEW balances AS SELECT id, balance FROM accounts;
INSERT INTO accounts VALUES (1, 100);
INSERT INTO ledger VALUES (1, '2020-01-01', 100);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, status text DEFAULT 'confirmed');
CREATE TABLE bookings (LIKE reservations INCLUDING ALL);
SELECT availability.track('bookings');
INSERT INTO bookings VALUES (1, 1, '[2027-05-01,2027-05-03)');

-- as a dump of 0.2 restores a table that was dropped with CASCADE: all numbers are those of others
CREATE FUNCTION restored(reservations regclass, calendar regclass, day regclass, hold regclass, month_view regclass) RETURNS void LANGUAGE sql AS
    $$INSERT INTO availability.tracked (reservations, calendar, day, month_view, open_view, claims, claim, hold, request, listing, stay, active, key, cancel)
      VALUES (reservations, calendar, day, month_view, 'balances', 'balances', 'accounts_claim', hold, 'ledger', 'listing_id', 'stay', 'true', 'id', 'status = ''no''')$$;
\set VERBOSITY terse
SELECT restored('accounts', 'ledger', 'ledger', 'accounts', 'balances');
SELECT availability.repair('accounts');
SELECT availability.forget('accounts', '2030-01-01');
SELECT availability.set_day_rows('accounts', false);
SELECT * FROM availability.verify('accounts');
SELECT availability.untrack('accounts');
TABLE accounts;
TABLE ledger;
TABLE balances;

-- companions of another tracked table are not those of this one
SELECT restored('reservations', 'bookings_calendar', 'bookings_day', 'bookings_hold', 'bookings_month');
SELECT availability.repair('reservations');
SELECT availability.untrack('reservations');
SELECT * FROM availability.verify('bookings');
TABLE bookings_day;
-- nor does the claims view of another make them so
SELECT restored('reservations', 'bookings_calendar', 'bookings_day', 'bookings_hold', 'bookings_month');
UPDATE availability.tracked SET claims = 'bookings_claims' WHERE reservations = 'reservations'::regclass;
SELECT availability.untrack('reservations');
SELECT * FROM availability.verify('bookings');

-- a table that such a row names can be dropped, and drops nothing else
SELECT restored('accounts', 'ledger', 'bookings_day', 'bookings_hold', 'bookings_month');
DROP TABLE accounts CASCADE;
TABLE ledger;
TABLE bookings_day;
SELECT reservations, calendar, day FROM availability.tracked WHERE reservations::text ~ 'book|acc|^\d+$';

-- functions are found by what they are, wherever they were moved: not by their names
CREATE ROLE regress_owner;
CREATE ROLE regress_other;
CREATE SCHEMA shop AUTHORIZATION regress_owner;
CREATE SCHEMA elsewhere AUTHORIZATION regress_other;
GRANT CREATE, USAGE ON SCHEMA elsewhere TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE shop.reservations (id int PRIMARY KEY, listing_id int, stay daterange, status text DEFAULT 'confirmed');
SELECT availability.track('shop.reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
GRANT ALL ON SCHEMA shop TO regress_other;
ALTER TABLE shop.reservations_calendar SET SCHEMA elsewhere;
ALTER FUNCTION shop.reservations_claim RENAME TO what_it_holds;
RESET ROLE;
SET ROLE regress_other;
CREATE FUNCTION elsewhere.reservations_cancel(key int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION elsewhere.reservations_claim(shop.reservations) RETURNS int LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
INSERT INTO shop.reservations VALUES (1, 1, '[2027-05-01,2027-05-03)');
SELECT reservation_id FROM availability.cancel('shop.reservations', '1');
SELECT status FROM shop.reservations;
SET ROLE regress_owner;
SELECT availability.untrack('shop.reservations');
RESET ROLE;
SELECT n.nspname, proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname IN ('shop', 'elsewhere') ORDER BY 1, 2;
SELECT n.nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname IN ('shop', 'elsewhere') ORDER BY 1, 2;

-- a companion that was given to somebody else is left to him, and named
SET ROLE regress_owner;
SELECT availability.track('shop.reservations');
RESET ROLE;
ALTER TABLE shop.reservations_hold OWNER TO regress_other;
SET ROLE regress_owner;
SELECT availability.untrack('shop.reservations');
RESET ROLE;
SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace ORDER BY 1;
-- as is a trigger of a like name on the listings, which are another's
SET ROLE regress_other;
CREATE TABLE elsewhere.listings (id int PRIMARY KEY);
GRANT SELECT, TRIGGER, REFERENCES ON elsewhere.listings TO regress_owner;
RESET ROLE;
DROP TABLE shop.reservations_hold;
SET ROLE regress_owner;
SELECT availability.track('shop.reservations', listings => 'elsewhere.listings');
RESET ROLE;
SET ROLE regress_other;
DROP TRIGGER _reservations_listing ON elsewhere.listings;
CREATE TRIGGER _reservations_listing BEFORE UPDATE ON elsewhere.listings FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SET ROLE regress_owner;
SELECT availability.untrack('shop.reservations');
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'elsewhere.listings'::regclass ORDER BY 1;

-- what only the extension calls
SET ROLE regress_owner;
SELECT availability.follow_drop('{}');
SELECT availability.dropped();
CREATE TRIGGER mine BEFORE INSERT ON shop.reservations FOR EACH ROW EXECUTE FUNCTION availability.tracked_written();
RESET ROLE;
CREATE TRIGGER mine BEFORE INSERT ON shop.reservations FOR EACH ROW EXECUTE FUNCTION availability.tracked_written();
INSERT INTO shop.reservations VALUES (9, 9, NULL);
SELECT availability.untrack('bookings');
DROP SCHEMA shop, elsewhere, track_provenance CASCADE;
DROP OWNED BY regress_owner, regress_other;
DROP ROLE regress_owner, regress_other;
