-- What track refuses, and with which message; nothing is left behind.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_refusals;
SET search_path = track_refusals, public;
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, check_in timestamptz, check_out timestamptz, price numeric);
CREATE FUNCTION refused(arguments text) RETURNS text LANGUAGE sql RETURN raised(format('SELECT availability.track(%s)', arguments));

-- Tables that can't be tracked.
CREATE VIEW a_view AS SELECT * FROM reservations;
CREATE MATERIALIZED VIEW a_materialized_view AS SELECT * FROM reservations;
CREATE UNLOGGED TABLE an_unlogged_table (LIKE reservations INCLUDING ALL);
CREATE TEMP TABLE a_temporary_table (LIKE reservations INCLUDING ALL);
CREATE SEQUENCE a_sequence;
CREATE TYPE a_type AS (id int, listing_id int, stay daterange);
CREATE TABLE parted (LIKE reservations) PARTITION BY HASH (listing_id);
CREATE TABLE a_partition PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE a_parent (LIKE reservations INCLUDING ALL);
CREATE TABLE a_child () INHERITS (a_parent);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE a_foreign_table (id int, listing_id int, stay daterange) SERVER nowhere;
CREATE TABLE parted_abroad (id int, listing_id int, stay daterange) PARTITION BY LIST (listing_id);
CREATE FOREIGN TABLE abroad PARTITION OF parted_abroad DEFAULT SERVER nowhere;
CREATE TABLE reservations_of_a_very_long_name_with_no_50_characters (LIKE reservations INCLUDING ALL);
SELECT name, refused(format('%L', name))
FROM unnest('{a_view,a_materialized_view,an_unlogged_table,a_temporary_table,a_sequence,a_type,a_partition,a_parent,a_child,
              a_foreign_table,parted_abroad,reservations_of_a_very_long_name_with_no_50_characters,
              reservations_pkey,pg_class,availability.tracked,no_such_table}'::text[])
     WITH ORDINALITY AS t (name, n) ORDER BY n;
SELECT refused('0::oid');
SELECT refused('NULL');

-- Companions that exist already.
CREATE TABLE reservations_calendar ();
SELECT refused($$'reservations'$$);
DROP TABLE reservations_calendar;
CREATE VIEW reservations_month AS SELECT;
SELECT refused($$'reservations'$$);
DROP VIEW reservations_month;
CREATE FUNCTION reservations_claim(reservations) RETURNS int LANGUAGE sql RETURN 1;
SELECT refused($$'reservations'$$);
DROP FUNCTION reservations_claim;

-- Expressions that are no claim.
CREATE FUNCTION clock(date) RETURNS daterange LANGUAGE sql STABLE RETURN daterange($1, CURRENT_DATE);
SELECT argument, expression, refused(format('%L, %I => %L', 'reservations', argument, expression))
FROM (VALUES ('listing', 'price'), ('listing', 'no_such_column'), ('listing', 'reservations'), ('listing', 'tableoid'),
             ('listing', 'listing_id, id'), ('listing', 'listing_id AS x'), ('listing', 'listing_id FROM reservations'), ('listing', ''),
             ('listing', 'listing_id; DROP TABLE reservations'), ('listing', 'listing_id ORDER BY 1'), ('listing', '*'),
             ('listing', '(SELECT 1)'), ('listing', 'count(*)'), ('listing', 'generate_series(1, 2)'), ('listing', '$1'), ('listing', 'ARRAY[1]'),
             ('listing', 'reservations.*'), ('listing', '(reservations).*'), ('listing', 'row_number() OVER ()'), ('listing', 'listing_id +'),
             ('key', 'stay'), ('key', 'random()::text'), ('key', 'ROW(id)'),
             ('stay', 'check_in'), ('stay', 'tstzrange(check_in, check_out)'), ('stay', 'daterange(check_in::date, check_out::date)'),
             ('stay', 'clock(lower(stay))'), ('stay', $$'[2026-01-01,2026-01-02)'$$),
             ('active', 'id'), ('active', 'now() < check_out'), ('active', $$'perhaps'$$), ('active', 'price > '))
     AS e (argument, expression);
SELECT refused($$'reservations', listing => NULL$$);
SELECT refused($$'reservations', active => NULL$$);
SELECT refused($$'reservations', day_rows => NULL$$);
SELECT refused(format('%L, since => %L', 'reservations', since)) FROM unnest('{infinity,-infinity,1969-12-31,2149-06-07}'::date[]) AS since;

-- No stay, no key, no listings key.
CREATE TABLE without_stay (id int PRIMARY KEY, listing_id int, stay text, check_in timestamptz, check_out timestamptz);
CREATE TABLE without_anything (id int PRIMARY KEY, listing_id int);
CREATE TABLE without_key (id int, listing_id int, stay daterange);
CREATE TABLE with_two_keys (id int, listing_id int, stay daterange, PRIMARY KEY (id, listing_id));
SELECT availability.track('without_stay');
SELECT availability.track('without_anything');
SELECT availability.track('without_key');
SELECT availability.track('with_two_keys');
SELECT availability.track('reservations', listings => 'with_two_keys');
SELECT availability.track('reservations', stay => 'daterange(check_in::date, check_out::date)');
SELECT availability.track('reservations', listing => 'nothing');

-- Tracked twice.
SELECT availability.track('reservations');
SELECT refused($$'reservations'$$);
SELECT availability.untrack('reservations');

-- Snapshots that are older than the lock.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refused($$'reservations'$$);
COMMIT;
BEGIN READ ONLY;
SELECT refused($$'reservations'$$);
COMMIT;

-- Nothing is left behind.
SELECT count(*) FROM availability.tracked t JOIN pg_class c ON c.oid = t.reservations WHERE c.relnamespace = 'track_refusals'::regnamespace;
SELECT relname FROM pg_class WHERE relnamespace = 'track_refusals'::regnamespace AND relname ~ '_(calendar|day|month|open)$';
DROP SERVER nowhere CASCADE;
DROP FOREIGN DATA WRAPPER nothing;
DROP SCHEMA track_refusals CASCADE;
