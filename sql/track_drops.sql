-- What track made goes with its table, with the columns that its claim reads and with the extension: by CASCADE.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SELECT current_database() AS regression \gset
CREATE DATABASE regression_drops;
\c regression_drops
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION availability;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE VIEW leftovers AS
    SELECT relname::text AS name FROM pg_class WHERE relname ~ '^reservations_' AND relkind IN ('r', 'v', 'S')
    UNION ALL SELECT proname FROM pg_proc WHERE proname ~ '^reservations_c'
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgname ~ '^_'
    UNION ALL SELECT 'a row of tracked' FROM availability.tracked;
CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
    PERFORM availability.track('reservations', active => 'status = ''confirmed''', cancel => 'status = ''cancelled''');
END $$;
-- As a restore, or a table that was tracked under 0.2, has them: without ties.
CREATE FUNCTION lose_ties() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_depend USING availability.tracked WHERE deptype = 'n' AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
        AND (refclassid = 'pg_extension'::regclass OR refclassid = 'pg_class'::regclass AND refobjid = claims AND objid <> claims)
$$;

-- the table
SELECT make();
DROP TABLE reservations;
DROP TABLE reservations CASCADE;
TABLE leftovers;
SELECT make();
SELECT lose_ties();
DROP TABLE reservations;
DROP TABLE reservations CASCADE;
TABLE leftovers;

-- a column of the claim, and its view
SELECT make();
ALTER TABLE reservations DROP COLUMN status;
ALTER TABLE reservations DROP COLUMN status CASCADE;
TABLE leftovers;
DROP TABLE reservations;
SELECT make();
SELECT lose_ties();
ALTER TABLE reservations DROP COLUMN stay CASCADE;
TABLE leftovers;
DROP TABLE reservations;
SELECT make();
DROP VIEW reservations_claims;
DROP TABLE reservations_day;
SELECT availability.repair('reservations');
SELECT availability.verify('reservations');
DROP VIEW reservations_claims CASCADE;
TABLE leftovers;
DROP TABLE reservations;
-- other columns are nobody's business
SELECT make();
ALTER TABLE reservations ADD COLUMN note text;
ALTER TABLE reservations DROP COLUMN note CASCADE;
SELECT count(*) FROM leftovers;

-- somebody's view on a companion
CREATE VIEW report AS SELECT listing_id FROM reservations_calendar;
DROP TABLE reservations;
DROP TABLE reservations CASCADE;
SELECT to_regclass('report');
TABLE leftovers;

-- the table of listings
SELECT make();
DROP TABLE listings CASCADE;
SELECT listings, listings_trigger FROM availability.tracked;
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)');
SELECT * FROM availability.verify('reservations');
CREATE TABLE listings (id int PRIMARY KEY);
DROP TABLE reservations CASCADE;
TABLE leftovers;

-- a schema, and what a role owns
CREATE SCHEMA shop;
CREATE TABLE shop.reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
SELECT availability.track('shop.reservations');
DROP SCHEMA shop CASCADE;
TABLE leftovers;
CREATE ROLE regress_owner;
GRANT ALL ON SCHEMA public TO regress_owner;
GRANT ALL ON listings TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
SELECT availability.track('reservations');
RESET ROLE;
DROP OWNED BY regress_owner;
TABLE leftovers;
DROP ROLE regress_owner;

-- dropped with a partition, which is not the table
CREATE TABLE reservations (id int, listing_id int, stay daterange) PARTITION BY LIST (listing_id);
CREATE TABLE one PARTITION OF reservations FOR VALUES IN (1);
SELECT availability.track('reservations', key => 'id');
DROP TABLE one;
SELECT count(*) FROM leftovers WHERE name ~ 'row';
DROP TABLE reservations CASCADE;
TABLE leftovers;

-- rolled back
SELECT make();
BEGIN;
DROP TABLE reservations CASCADE;
TABLE leftovers;
ROLLBACK;
INSERT INTO reservations VALUES (1, NULL, '[2027-05-01,2027-05-03)');
SELECT count(*) > 10 AS all_there FROM leftovers;

-- an event trigger that does not fire leaves a row; untrack clears what there is
SET session_replication_role = replica;
SELECT lose_ties();
SELECT 'reservations'::regclass::oid AS reservations \gset
DROP TABLE reservations CASCADE;
RESET session_replication_role;
SELECT remedy = format('SELECT availability.untrack(%s::oid::regclass);', :reservations) AS says_it FROM availability.doctor() WHERE subject ~ 'tracked table';
SELECT availability.untrack(:reservations::oid::regclass);
TABLE leftovers;

-- nor does a missing library keep a table from being dropped
SELECT make();
SELECT 'reservations'::regclass::oid AS reservations \gset
UPDATE pg_proc SET probin = '$libdir/no_such_library' WHERE oid = 'availability.follow_drop'::regproc;
DROP TABLE reservations CASCADE;
TABLE leftovers;
SELECT probin AS library FROM pg_proc WHERE oid = 'availability.track'::regproc \gset
UPDATE pg_proc SET probin = :'library' WHERE oid = 'availability.follow_drop'::regproc;
SELECT availability.untrack(:reservations::oid::regclass);
TABLE leftovers;

-- everybody's DROP, with names that are nobody's
CREATE SCHEMA "a'b";
CREATE TABLE "a'b"."x""; DROP TABLE listings; --" (id int PRIMARY KEY, "y'" text);
CREATE TEMP TABLE temporary (id int);
DROP TABLE "a'b"."x""; DROP TABLE listings; --";
DROP TABLE temporary;
DROP SCHEMA "a'b";
CREATE ROLE regress_nobody;
REVOKE ALL ON SCHEMA availability FROM PUBLIC;
REVOKE ALL ON availability.tracked FROM PUBLIC;
SET ROLE regress_nobody;
CREATE TEMP TABLE temporary (id int);
DROP TABLE temporary;
RESET ROLE;
DROP ROLE regress_nobody;
GRANT USAGE ON SCHEMA availability TO PUBLIC;
GRANT SELECT ON availability.tracked TO PUBLIC;

-- the extension
SELECT make();
DROP EXTENSION availability;
DROP VIEW leftovers;
DROP EXTENSION availability CASCADE;
SELECT relname FROM pg_class WHERE relname ~ '^reservations' ORDER BY 1;
SELECT proname FROM pg_proc WHERE proname ~ '^reservations_c';
SELECT evtname FROM pg_event_trigger;
INSERT INTO reservations VALUES (2, NULL, '[2027-05-01,2027-05-03)');
SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'n';
CREATE EXTENSION availability;
SELECT availability.track('reservations');
SELECT availability.untrack('reservations');
DROP EXTENSION availability;
DROP SCHEMA availability;
\c :regression
DROP DATABASE regression_drops;
