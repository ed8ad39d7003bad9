-- Option `tables` names tables as they were called when the change was made.
SET client_min_messages = warning;
CREATE SCHEMA decoder_tables;
CREATE SCHEMA "My ""Schema";

CREATE TABLE decoder_tables.a_calendar (listing_id int, booked availability.dayset, version bigint, change text);
CREATE TABLE decoder_tables.b_calendar (LIKE decoder_tables.a_calendar);
CREATE TABLE "My ""Schema"."x,y" (LIKE decoder_tables.a_calendar);

CREATE FUNCTION pg_temp.events(VARIADIC options text[] = '{}') RETURNS TABLE (name text, listing text, seq int, skipped int) LANGUAGE sql AS $$
    SELECT data::json ->> 'table', data::json ->> 'listing', (data::json ->> 'seq')::int, (data::json ->> 'skipped')::int
    FROM pg_logical_slot_peek_changes('decoder_tables', NULL, NULL, VARIADIC options);
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_tables', 'availability_decoder');

-- seq does not depend on the filter, and skipped says what the filter kept back.
BEGIN;
INSERT INTO decoder_tables.a_calendar VALUES (1, '{}', 1, 'reset');
INSERT INTO decoder_tables.b_calendar VALUES (2, '{}', 1, 'reset');
INSERT INTO "My ""Schema"."x,y" VALUES (3, '{}', 1, 'reset');
INSERT INTO decoder_tables.a_calendar VALUES (7, '{}', 1, 'reset');
INSERT INTO decoder_tables.b_calendar VALUES (8, '{}', 1, 'reset');
COMMIT;
ALTER TABLE decoder_tables.a_calendar RENAME TO c_calendar;
INSERT INTO decoder_tables.c_calendar VALUES (4, '{}', 1, 'reset');
ALTER SCHEMA decoder_tables RENAME TO decoder_tables_2;
INSERT INTO decoder_tables_2.c_calendar VALUES (5, '{}', 1, 'reset');
ALTER TABLE decoder_tables_2.c_calendar SET SCHEMA "My ""Schema";
INSERT INTO "My ""Schema".c_calendar VALUES (6, '{}', 1, 'reset');

SELECT * FROM pg_temp.events();
SELECT * FROM pg_temp.events('tables', 'decoder_tables.b_calendar');
SELECT * FROM pg_temp.events('tables', '"My ""Schema"."x,y", Decoder_Tables.A_CALENDAR');
SELECT * FROM pg_temp.events('tables', 'decoder_tables.c_calendar');
SELECT * FROM pg_temp.events('tables', 'decoder_tables_2.c_calendar,"My ""Schema".c_calendar');
SELECT * FROM pg_temp.events('tables', 'public.a_calendar');

-- A table becomes a calendar, changes its columns, and is none any more.
SELECT count(*) FROM pg_logical_slot_get_changes('decoder_tables', NULL, NULL);
CREATE TABLE decoder_tables_2.d_calendar (junk text DEFAULT 'junk', listing_id int, version bigint, change text);
INSERT INTO decoder_tables_2.d_calendar VALUES ('a', 1, 1, 'reset');
ALTER TABLE decoder_tables_2.d_calendar ADD booked availability.dayset DEFAULT '{[2026-01-01,2026-01-02)}';
UPDATE decoder_tables_2.d_calendar SET listing_id = 2;
ALTER TABLE decoder_tables_2.d_calendar DROP junk, ALTER listing_id TYPE text, ADD stay daterange;
BEGIN;
INSERT INTO decoder_tables_2.d_calendar VALUES ('3', 1, 'reset', '{}', '[2026-01-01,2026-01-03)');
ALTER TABLE decoder_tables_2.d_calendar RENAME TO e_calendar;
INSERT INTO decoder_tables_2.e_calendar VALUES ('4', 1, 'reset', '{}');
COMMIT;
ALTER TABLE decoder_tables_2.e_calendar RENAME booked TO taken;
INSERT INTO decoder_tables_2.e_calendar VALUES ('5', 1, 'reset', '{}');
SELECT substring(data, '(.*),"lsn"') FROM pg_logical_slot_get_changes('decoder_tables', NULL, NULL);

SELECT pg_drop_replication_slot('decoder_tables');
DROP SCHEMA decoder_tables_2, "My ""Schema" CASCADE;
