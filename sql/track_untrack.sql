-- untrack leaves no trace, and there is a way out of every half-way state; DROP EXTENSION waits for it.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SELECT current_database() AS regression \gset
CREATE DATABASE regression_untrack;
\c regression_untrack
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION availability;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
INSERT INTO listings VALUES (1);
CREATE VIEW objects AS
    SELECT (SELECT count(*) FROM pg_class) AS relations, (SELECT count(*) FROM pg_proc) AS functions, (SELECT count(*) FROM pg_trigger) AS triggers,
           (SELECT count(*) FROM pg_depend) AS dependencies, (SELECT count(*) FROM pg_description) AS comments, (SELECT count(*) FROM pg_type) AS types,
           (SELECT count(*) FROM availability.tracked) AS tracked;
CREATE TABLE counts AS TABLE objects WITH NO DATA;
INSERT INTO counts TABLE objects;
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, 1, '[2027-05-01,2027-05-03)');
CREATE TABLE versions AS SELECT version FROM reservations_calendar;
SELECT availability.untrack('reservations');
DROP TABLE versions;
SELECT o = c AS no_trace FROM (TABLE objects) AS o, counts AS c;
DROP VIEW objects;
TABLE reservations;
SELECT availability.untrack('reservations');

-- tracked anew, versions go on
SELECT availability.track('reservations');
CREATE TABLE versions AS SELECT version FROM reservations_calendar;
SELECT availability.untrack('reservations');
SELECT availability.track('reservations', day_rows => false);
SELECT c.version > v.version AS grew FROM reservations_calendar c, versions v;

-- somebody's view on a companion is in the way, and is named
CREATE VIEW report AS SELECT listing_id FROM reservations_calendar;
SELECT availability.untrack('reservations');
DROP VIEW report;

-- DROP EXTENSION
DROP EXTENSION availability;
SELECT availability.untrack('reservations');
DROP EXTENSION availability;
SELECT count(*) FROM pg_namespace WHERE nspname = 'availability';
CREATE EXTENSION availability;
SELECT availability.track('reservations');
-- with CASCADE the rows stay and are free of triggers
DROP EXTENSION availability CASCADE;
INSERT INTO reservations VALUES (2, 1, '[2027-05-02,2027-05-03)');
SELECT relname FROM pg_class WHERE relname ~ '^reservations_' AND relkind IN ('r', 'v') ORDER BY 1;
DELETE FROM reservations WHERE id = 2;
CREATE EXTENSION availability;
SELECT availability.track('reservations');

-- companions dropped by hand
DROP VIEW reservations_open;
DROP TABLE reservations_day;
INSERT INTO reservations VALUES (3, 1, '[2027-06-01,2027-06-03)');
SELECT subject, finding, remedy FROM availability.doctor() WHERE subject ~ 'reservations' ORDER BY finding;
SELECT availability.untrack('reservations');
SELECT availability.track('reservations');

-- the table dropped with CASCADE
DROP TABLE reservations CASCADE;
SELECT * FROM availability.doctor() WHERE subject ~ 'tracked table';
SELECT relname FROM pg_class WHERE relname ~ '^reservations_' ORDER BY 1;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'listings'::regclass AND NOT tgisinternal;
SELECT count(*) FROM availability.tracked;
DROP EXTENSION availability;
\c :regression
DROP DATABASE regression_untrack;
