-- Nobody's code runs with another's rights: names that come first in an attacker's search_path, and owners whose own
-- expressions a superuser's maintenance evaluates.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE ROLE regress_owner;
CREATE ROLE regress_attacker;
CREATE SCHEMA shop AUTHORIZATION regress_owner;
CREATE SCHEMA trap AUTHORIZATION regress_attacker;
GRANT USAGE ON SCHEMA shop TO regress_attacker;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
-- Whoever runs a trap is written down.
CREATE TABLE trap.sprung (who name, as_user name);
GRANT INSERT ON trap.sprung TO PUBLIC;

SET ROLE regress_owner;
CREATE TABLE shop.listings (id text PRIMARY KEY);
CREATE TABLE shop.reservations (id int PRIMARY KEY, listing_id text REFERENCES shop.listings, stay daterange);
INSERT INTO shop.listings VALUES ('a'), ('b');
SELECT availability.track('shop.reservations');
GRANT ALL ON shop.reservations TO regress_attacker;
RESET ROLE;

-- Operators, functions, casts, types and tables of the names that our statements use.
SET ROLE regress_attacker;
CREATE FUNCTION trap.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO trap.sprung VALUES (session_user, current_user); RETURN true; END$$;
CREATE FUNCTION trap.spring(date, date) RETURNS boolean LANGUAGE sql AS $$SELECT trap.spring('', '')$$;
CREATE FUNCTION trap.spring(daterange, daterange) RETURNS boolean LANGUAGE sql AS $$SELECT trap.spring('', '')$$;
CREATE FUNCTION trap.spring(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$SELECT trap.spring('', '')$$;
CREATE OPERATOR trap.= (FUNCTION = trap.spring, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR trap.= (FUNCTION = trap.spring, LEFTARG = date, RIGHTARG = date);
CREATE OPERATOR trap.>= (FUNCTION = trap.spring, LEFTARG = date, RIGHTARG = date);
CREATE OPERATOR trap.&& (FUNCTION = trap.spring, LEFTARG = daterange, RIGHTARG = daterange);
CREATE OPERATOR trap.> (FUNCTION = trap.spring, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION trap.lower(daterange) RETURNS date LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT date '2000-01-01'$$;
CREATE FUNCTION trap.upper(daterange) RETURNS date LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT date '2000-01-01'$$;
CREATE FUNCTION trap.daterange(date, date) RETURNS daterange LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT pg_catalog.daterange($1, $2)$$;
CREATE FUNCTION trap.generate_series(int, int) RETURNS SETOF int LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT 1$$;
CREATE FUNCTION trap.next_version(bigint) RETURNS bigint LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT 1::bigint$$;
CREATE FUNCTION trap.dayset_agg(daterange) RETURNS text LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT ''$$;
CREATE FUNCTION trap.reservations_claim(shop.reservations, OUT listing text, OUT key int, OUT stay daterange)
    LANGUAGE sql AS $$SELECT trap.spring('', ''); SELECT ''::text, 1, NULL::daterange$$;
CREATE DOMAIN trap.dayset AS text;
CREATE DOMAIN trap.date AS pg_catalog.date CHECK (trap.spring('', ''));
CREATE TABLE trap.reservations_calendar (listing_id text, booked text);
CREATE TABLE trap.reservations_day (listing_id text, day date, reservation_id int);
CREATE TEMP TABLE reservations_calendar (listing_id text, booked text);
CREATE TEMP TABLE reservations_day (listing_id text, day date, reservation_id int);
CREATE TEMP TABLE tracked (reservations oid);
SET search_path = trap, pg_temp, shop, availability, pg_catalog;
INSERT INTO shop.reservations VALUES (1, 'a', '[2027-05-01,2027-05-03)'), (2, 'b', '[2027-05-01,2027-05-03)');
INSERT INTO shop.reservations VALUES (3, 'a', '[2027-05-02,2027-05-04)');
UPDATE shop.reservations SET listing_id = 'b', stay = '[2027-06-02,2027-06-04)' WHERE id OPERATOR(pg_catalog.=) 1;
DELETE FROM shop.reservations WHERE id OPERATOR(pg_catalog.=) 2;
TRUNCATE shop.reservations;
RESET ROLE;
-- The owner, with the trap first in its path.
SET ROLE regress_owner;
SET search_path = trap, shop, availability, pg_catalog;
INSERT INTO shop.reservations VALUES (4, 'a', '[2027-05-01,2027-05-03)');
UPDATE shop.listings SET id = 'c' WHERE id OPERATOR(pg_catalog.=) 'b';
DELETE FROM shop.listings WHERE id OPERATOR(pg_catalog.=) 'c';
UPDATE shop.reservations_calendar SET booked = '{}';
SELECT kind, listing, day FROM availability.verify('shop.reservations');
SELECT availability.repair('shop.reservations');
SELECT availability.forget('shop.reservations', '2027-05-02');
SELECT availability.untrack('shop.reservations');
SELECT availability.track('shop.reservations', stay => 'stay', listing => 'listing_id');
SELECT availability.untrack('shop.reservations');
RESET ROLE;
RESET search_path;
TABLE trap.sprung;

-- An attacker's own table, whose expressions are a trap too: a superuser who maintains it runs them as the attacker.
SET ROLE regress_attacker;
CREATE FUNCTION trap.listing_of(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM trap.spring('', ''); RETURN $1; END$$;
CREATE TABLE trap.bait (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('trap.bait', listing => 'trap.listing_of(listing_id)');
RESET ROLE;
TRUNCATE trap.sprung;
INSERT INTO trap.bait VALUES (1, 1, '[2027-05-01,2027-05-03)');
SELECT * FROM availability.verify('trap.bait');
SELECT availability.repair('trap.bait');
SELECT availability.forget('trap.bait', '2027-05-02');
SELECT count(*) FROM availability.doctor() WHERE subject LIKE '%bait%';
-- The view of claims replaced by another query, and by more columns, is refused; replaced expressions run as their owner's.
SET ROLE regress_attacker;
CREATE OR REPLACE VIEW trap.bait_claims AS SELECT trap.listing_of(1) AS listing, 1 AS key, daterange '[2027-05-01,2027-05-03)' AS stay;
RESET ROLE;
INSERT INTO trap.bait VALUES (2, 2, '[2027-05-01,2027-05-03)');
SELECT * FROM availability.verify('trap.bait');
SET ROLE regress_attacker;
CREATE OR REPLACE VIEW trap.bait_claims AS SELECT trap.listing_of(id) AS listing, id AS key, stay FROM ONLY trap.bait;
RESET ROLE;
INSERT INTO trap.bait VALUES (2, 2, '[2027-05-01,2027-05-03)');
SELECT * FROM availability.verify('trap.bait');
SELECT as_user, count(*) > 0 AS sprung FROM trap.sprung GROUP BY as_user;

SELECT availability.untrack('trap.bait');
DROP SCHEMA shop, trap CASCADE;
DROP OWNED BY regress_attacker, regress_owner;
DROP ROLE regress_owner, regress_attacker;
