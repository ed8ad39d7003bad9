-- suspend and retrack: columns of a claim are retyped, renamed, dropped, its arguments changed, and all else stays.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_retrack;
SET search_path = track_retrack, public;
CREATE ROLE regress_reader;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, check_in date, check_out date, status text DEFAULT 'confirmed');
INSERT INTO listings SELECT generate_series(1, 4);
SELECT availability.track('reservations', active => $$status <> 'cancelled'$$, cancel => $$status = 'cancelled'$$, since => '2027-01-01');
INSERT INTO reservations VALUES (1, 1, '2027-05-01', '2027-05-03'), (2, 2, '2027-05-01', '2027-05-03'), (3, 1, '2026-12-30', '2027-01-02');
SELECT reservation_id FROM availability.book('reservations', 3, '[2027-05-01,2027-05-03)', 'kept', '{"id": 4}');
SELECT availability.hold('reservations', 4, '[2027-05-01,2027-05-03)', '1 hour') AS hold \gset
-- what an owner puts on top
CREATE INDEX by_version ON reservations_calendar (version);
ALTER TABLE reservations_calendar ADD COLUMN note text DEFAULT 'mine';
GRANT SELECT ON reservations_calendar, reservations_claims, reservations_open TO regress_reader;
GRANT SELECT (month, key) ON reservations_month TO regress_reader WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION reservations_claim(reservations) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reservations_cancel(int) TO regress_reader;
ALTER VIEW reservations_open SET (security_barrier = true);
COMMENT ON VIEW reservations_month IS 'of the month';
ALTER VIEW reservations_month RENAME TO months;
ALTER FUNCTION reservations_cancel RENAME TO call_off;
CREATE VIEW on_top AS
    SELECT c.relname, c.relkind, c.relacl, c.reloptions, obj_description(c.oid, 'pg_class') AS comment,
        (SELECT array_agg(attacl ORDER BY attname) FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) AS attacl
    FROM pg_class c WHERE c.relname ~ '^(reservations_|months|by_version)' AND c.relkind IN ('r', 'v', 'i') AND relnamespace = 'track_retrack'::regnamespace
    UNION ALL SELECT proname, 'f', (SELECT array_agg(a ORDER BY a::text) FROM unnest(proacl) a), NULL, obj_description(p.oid, 'pg_proc'), NULL FROM pg_proc p WHERE pronamespace = 'track_retrack'::regnamespace AND proname <> 'state'
    UNION ALL SELECT tgname, 't', NULL, NULL, NULL, NULL FROM pg_trigger WHERE NOT tgisinternal AND tgname ~ '^_';
CREATE TABLE before AS TABLE on_top;
CREATE TABLE versions AS SELECT version, ordinal FROM reservations_calendar;
CREATE FUNCTION state() RETURNS TABLE (what text, says text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT 'type', attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'reservations_calendar'::regclass AND attname IN ('listing_id', 'reservation_id') ORDER BY attname;
    RETURN QUERY SELECT 'verify', v::text FROM availability.verify('reservations') v;
    RETURN QUERY SELECT 'gone', b::text FROM (TABLE before EXCEPT TABLE on_top) b;
    RETURN QUERY SELECT 'new', n::text FROM (TABLE on_top EXCEPT TABLE before) n;
    RETURN QUERY SELECT 'version', format('%s shrank', c.listing_id) FROM versions v JOIN reservations_calendar c USING (ordinal) WHERE c.version < v.version;
    RETURN QUERY SELECT 'days', format('%s %s', listing_id, booked) FROM reservations_calendar ORDER BY ordinal;
    RETURN QUERY SELECT 'settings', format('%s, %s, %s, %s, %s, %s', listing, stay, active, key, cancel, since) FROM availability.tracked WHERE reservations = 'reservations'::regclass;
END $$;
SELECT * FROM state();

-- a claim's column is retyped, and the key that it references
ALTER TABLE reservations ALTER COLUMN listing_id TYPE bigint;
BEGIN;
SELECT availability.suspend('reservations');
ALTER TABLE reservations ALTER COLUMN listing_id TYPE bigint;
ALTER TABLE listings ALTER COLUMN id TYPE bigint;
SELECT availability.retrack('reservations');
COMMIT;
SELECT * FROM state();
INSERT INTO reservations VALUES (5, 1, '2027-05-02', '2027-05-04');
SELECT reservation_id, replayed FROM availability.book('reservations', 3, '[2027-05-01,2027-05-03)', 'kept', '{"id": 4}');
SELECT reservation_id FROM availability.confirm('reservations', :'hold', '{"id": 6}');
INSERT INTO listings VALUES (5);
SELECT listing_id, change FROM reservations_calendar WHERE listing_id = 5;

-- the key of the reservations too, and the status, which only the cancel function writes
BEGIN;
SELECT availability.suspend('reservations');
ALTER TABLE reservations ALTER COLUMN id TYPE text;
ALTER TABLE reservations ALTER COLUMN status TYPE varchar(20);
SELECT availability.retrack('reservations');
COMMIT;
SELECT what, says FROM state() WHERE what NOT IN ('days');
SELECT pg_get_function_identity_arguments('call_off'::regproc);
SELECT reservation_id FROM availability.cancel('reservations', '6');
SELECT * FROM availability.verify('reservations');

-- left suspended, nobody books, and everybody is told what to do
SELECT availability.suspend('reservations');
SELECT availability.suspend('reservations');
INSERT INTO reservations VALUES (7, 1, '2027-07-02', '2027-07-04');
SELECT availability.repair('reservations');
SELECT count(*) FROM reservations_calendar;
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'tracked table track_retrack.reservations';
-- a column is dropped, and another one takes its place
ALTER TABLE reservations ADD COLUMN stay daterange;
ALTER TABLE reservations DISABLE TRIGGER USER;
UPDATE reservations SET stay = daterange(check_in, check_out);
ALTER TABLE reservations ENABLE TRIGGER USER;
ALTER TABLE reservations DROP COLUMN check_in, DROP COLUMN check_out;
ALTER TABLE reservations RENAME COLUMN status TO state;
SELECT availability.retrack('reservations');
SELECT availability.retrack('reservations', stay => 'stay', active => $$state <> 'cancelled'$$, cancel => $$state = 'cancelled'$$);
SELECT what, says FROM state() WHERE what NOT IN ('days');
SELECT finding FROM availability.doctor() WHERE subject = 'tracked table track_retrack.reservations';

-- other arguments, with nothing to suspend: the calendars follow, each that changes by one reset
SELECT availability.retrack('reservations', active => $$state = 'confirmed'$$);
UPDATE reservations SET state = 'requested' WHERE id = '2';
SELECT availability.retrack('reservations', active => $$state IN ('confirmed', 'requested')$$);
SELECT listing_id, booked, change FROM reservations_calendar ORDER BY ordinal;
SELECT availability.retrack('reservations', active => 'true');
SELECT what, says FROM state() WHERE what NOT IN ('days');
-- a claim that would book twice is refused, and nothing has changed
CREATE TABLE same (id bigint PRIMARY KEY);
SELECT availability.retrack('reservations', listing => '1::bigint');
SELECT listing, listings FROM availability.tracked WHERE reservations = 'reservations'::regclass;
-- the listings, the way to cancel
INSERT INTO same SELECT id FROM listings WHERE id < 5;
SELECT availability.retrack('reservations', listings => 'same', cancel => '');
SELECT listings, listings_trigger, cancel FROM availability.tracked WHERE reservations = 'reservations'::regclass;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname ~ '^_res' ORDER BY 1, 2;
SELECT * FROM availability.verify('reservations');
SELECT proname FROM pg_proc WHERE pronamespace = 'track_retrack'::regnamespace ORDER BY 1;

-- what is in the way is named
CREATE VIEW report AS SELECT listing_id FROM reservations_open;
BEGIN;
SELECT availability.suspend('reservations');
ALTER TABLE reservations DROP CONSTRAINT reservations_listing_id_fkey;
ALTER TABLE reservations ALTER COLUMN listing_id TYPE text;
\set VERBOSITY terse
SELECT availability.retrack('reservations');
ROLLBACK;
DROP VIEW report;
-- a view that is gone is made again
DROP VIEW months;
SELECT remedy FROM availability.doctor() WHERE subject = 'tracked table track_retrack.reservations';
SELECT availability.retrack('reservations');
SELECT count(*) FROM reservations_month;
SELECT availability.retrack('listings');
SELECT availability.suspend('listings');
SELECT availability.retrack(NULL);
SET ROLE regress_reader;
SELECT availability.suspend('track_retrack.reservations');
RESET ROLE;
GRANT USAGE ON SCHEMA track_retrack TO regress_reader;
SET ROLE regress_reader;
SELECT availability.suspend('track_retrack.reservations');
SELECT availability.retrack('track_retrack.reservations');
RESET ROLE;

-- what is not given is read as it was meant, whatever the caller's search_path
CREATE SCHEMA trap;
CREATE FUNCTION trap.daterange(date, date) RETURNS pg_catalog.daterange LANGUAGE sql IMMUTABLE AS $$SELECT pg_catalog.daterange('2000-01-01', '2000-01-02')$$;
CREATE FUNCTION track_retrack.first_night(daterange) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
SELECT availability.retrack('reservations', stay => 'daterange(first_night(stay), upper(stay))');
SET search_path = trap, pg_catalog;
SELECT availability.retrack('track_retrack.reservations', key => 'id');
SELECT availability.suspend('track_retrack.reservations');
SELECT availability.retrack('track_retrack.reservations');
RESET search_path;
SET search_path = track_retrack, public;
SELECT key, stay FROM reservations_claims ORDER BY key LIMIT 1;
SELECT * FROM availability.verify('reservations');

-- a column that the cancel function alone reads
ALTER TABLE reservations ADD COLUMN note text;
SELECT availability.retrack('reservations', cancel => 'note = ''called off''');
ALTER TABLE reservations DROP COLUMN note CASCADE;
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'tracked table track_retrack.reservations';
SELECT availability.cancel('reservations', '1');
SELECT availability.retrack('reservations');
SELECT availability.retrack('reservations', cancel => $$state = 'cancelled'$$);
SELECT count(*) FROM availability.doctor() WHERE subject = 'tracked table track_retrack.reservations';

-- a suspended table goes as any other
SELECT availability.suspend('reservations');
SELECT availability.untrack('reservations');
SELECT relname FROM pg_class WHERE relname ~ '^(reservations_|months)' AND relkind IN ('r', 'v') AND relnamespace = 'track_retrack'::regnamespace;
SELECT availability.track('reservations', stay => 'stay');
SELECT availability.suspend('reservations');
DROP TABLE reservations CASCADE;
SELECT relname FROM pg_class WHERE relname ~ '^(reservations_|months)' AND relkind IN ('r', 'v') AND relnamespace = 'track_retrack'::regnamespace;
DROP SCHEMA trap, track_retrack CASCADE;
DROP ROLE regress_reader;
