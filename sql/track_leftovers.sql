-- Settings are rows, companions and triggers are schema: after a restore of the schema alone, track and retrack adopt what
-- is there, untrack clears it, and doctor says the line.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_leftovers;
SET search_path = track_leftovers, public;
CREATE ROLE regress_reader;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
GRANT SELECT ON reservations_calendar, reservations_month TO regress_reader;
CREATE INDEX by_version ON reservations_calendar (version);
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)'), (2, 2, '[2027-05-01,2027-05-03)');
SELECT availability.hold('reservations', 2, '[2027-06-01,2027-06-03)', '1 hour') IS NOT NULL AS held;
CREATE TABLE settings AS SELECT * FROM availability.tracked WHERE reservations = 'reservations'::regclass;
CREATE TABLE versions AS SELECT listing_id, version FROM reservations_calendar;
CREATE FUNCTION lose_settings() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_depend USING availability.tracked WHERE reservations = 'reservations'::regclass
        AND deptype = 'n' AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
        AND (refclassid = 'pg_extension'::regclass OR refclassid = 'pg_class'::regclass AND refobjid = claims AND objid <> claims);
    DELETE FROM availability.tracked WHERE reservations = 'reservations'::regclass;
$$;

-- as a restore of the table with its companions and their rows
SELECT lose_settings();
\set VERBOSITY terse
INSERT INTO reservations VALUES (3, 1, '[2027-07-01,2027-07-03)');
SELECT availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'table track_leftovers.reservations' \gx
SELECT availability.retrack('reservations');
SELECT t.listing, t.stay, t.active, t.key, t.cancel, t.listings, t.listings_trigger, to_jsonb(t) - '{listing,stay,active,key,cancel}'::text[] = to_jsonb(s) - '{listing,stay,active,key,cancel}'::text[] AS same
FROM availability.tracked t, settings s WHERE t.reservations = s.reservations;
SELECT * FROM availability.verify('reservations');
SELECT count(*) AS changed FROM versions v JOIN reservations_calendar c USING (listing_id) WHERE c.version < v.version OR c.change <> 'created';
INSERT INTO reservations VALUES (3, 2, '[2027-06-02,2027-06-03)');
INSERT INTO reservations VALUES (3, 1, '[2027-07-01,2027-07-03)');
SELECT reservation_id FROM availability.cancel('reservations', '3');
SELECT has_table_privilege('regress_reader', 'reservations_month', 'SELECT') AS granted, to_regclass('by_version') AS index;
SELECT count(*) FROM availability.doctor() WHERE subject ~ 'reservations';

-- as a restore of the schema alone
SELECT lose_settings();
ALTER TABLE reservations DISABLE TRIGGER USER;
ALTER TABLE listings DISABLE TRIGGER USER;
TRUNCATE reservations_calendar, reservations_day, reservations_hold, reservations_request;
INSERT INTO listings VALUES (3);
ALTER TABLE reservations ENABLE TRIGGER USER;
ALTER TABLE listings ENABLE TRIGGER USER;
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
SELECT * FROM availability.verify('reservations');
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY 1;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname ~ '^_res' AND NOT tgisinternal AND tgrelid IN ('reservations'::regclass, 'listings'::regclass) ORDER BY 1, 2;
SELECT has_table_privilege('regress_reader', 'reservations_month', 'SELECT') AS granted;

-- only some of it: the table with its triggers, or without a few companions
SELECT lose_settings();
DROP VIEW reservations_month, reservations_open, reservations_claims;
DROP FUNCTION reservations_claim;
DROP TABLE reservations_hold, reservations_request, reservations_day;
DROP TRIGGER _reservations_truncate ON listings;
DROP TRIGGER _availability_truncate ON reservations;
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'table track_leftovers.reservations' \gx
SELECT availability.retrack('reservations');
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
SELECT * FROM availability.verify('reservations');
SELECT count(*) FROM reservations_month;
SELECT lose_settings();
DROP VIEW reservations_month, reservations_open, reservations_claims;
DROP TABLE reservations_calendar, reservations_hold, reservations_request, reservations_day;
DROP FUNCTION reservations_claim;
DROP TRIGGER _reservations_listing ON listings;
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
SELECT * FROM availability.verify('reservations');

-- what is not what track makes is not adopted, nor is a claim of other types
SELECT lose_settings();
ALTER TABLE reservations_day ALTER reservation_id TYPE text;
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
ALTER TABLE reservations_day ALTER reservation_id TYPE int USING reservation_id::int;
SELECT availability.track('reservations', listing => 'listing_id::bigint');
ALTER TABLE reservations_hold OWNER TO regress_reader;
SELECT availability.track('reservations');
-- untrack clears what is left, but for what is another's
SELECT availability.untrack('reservations');
SELECT relname FROM pg_class WHERE relname ~ '^reservations_' AND relkind IN ('r', 'v') AND relnamespace = 'track_leftovers'::regnamespace;
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('reservations'::regclass, 'listings'::regclass) AND NOT tgisinternal;
SELECT availability.untrack('reservations');
SELECT count(*) FROM availability.doctor() WHERE subject ~ 'reservations';
DROP TABLE reservations_hold;

-- a table of the owner's that merely looks like a companion shows no tracking
CREATE TABLE reservations_day (listing_id int, day date, reservation_id int, PRIMARY KEY (listing_id, day));
INSERT INTO reservations_day VALUES (1, '2020-01-01', 1);
\set VERBOSITY default
SELECT availability.track('reservations');
\set VERBOSITY terse
SELECT availability.untrack('reservations');
TABLE reservations_day;
DROP TABLE reservations_day;

-- what DROP EXTENSION … CASCADE left under 0.2: a calendar without its days, no trigger
SELECT availability.track('reservations');
SELECT lose_settings();
DROP TRIGGER _availability_claim ON reservations;
DROP TRIGGER _availability_truncate ON reservations;
DROP TRIGGER _reservations_listing ON listings;
DROP TRIGGER _reservations_truncate ON listings;
DROP VIEW reservations_month, reservations_open;
ALTER TABLE reservations_calendar DROP COLUMN booked;
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'table track_leftovers.reservations' \gx
SELECT availability.track('reservations');
SELECT availability.untrack('reservations');
SELECT availability.track('reservations');
-- and what DROP TABLE … CASCADE left after that
SELECT lose_settings();
DROP TRIGGER _reservations_truncate ON listings;
SET session_replication_role = replica;
DROP TABLE reservations CASCADE;
RESET session_replication_role;
SELECT subject, finding, remedy FROM availability.doctor() WHERE subject ~ 'track_leftovers' ORDER BY 1;
DROP SCHEMA track_leftovers CASCADE;
DROP ROLE regress_reader;
