-- One insert or update of a calendar row is one event with the whole calendar after it.
SET client_min_messages = warning;
CREATE SCHEMA decoder_events;
SET search_path = decoder_events;

CREATE TABLE plain_calendar (
    listing_id bigint PRIMARY KEY,
    ordinal int,
    booked availability.dayset NOT NULL,
    version bigint NOT NULL,
    change text NOT NULL,
    reservation_id bigint,
    stay daterange,
    was daterange
) WITH (fillfactor = 70);
CREATE TABLE short_calendar (listing_id text, booked availability.dayset, version bigint, change text);
CREATE TABLE other (listing_id bigint, booked text, version bigint, change text);

CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(data, '"lsn":"[0-9A-F]+/[0-9A-F]+",("seq":\d+),"at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"', '\1')
    FROM pg_logical_slot_get_changes('decoder_events', NULL, NULL);
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_events', 'availability_decoder');

-- A reservation's life.
INSERT INTO plain_calendar VALUES (42, 1, '{}', 1, 'reset', NULL, NULL, NULL);
UPDATE plain_calendar SET booked = '{[2026-12-20,2026-12-27)}', version = 2, change = 'created', reservation_id = 981,
    stay = '[2026-12-20,2026-12-27)';
UPDATE plain_calendar SET booked = '{[2026-12-20,2026-12-22),[2027-01-01,2027-01-03)}', version = 3, change = 'updated',
    stay = '[2027-01-01,2027-01-03)', was = '[2026-12-22,2026-12-27)';
UPDATE plain_calendar SET booked = '{}', version = 4, change = 'cancelled', stay = NULL, was = '[2027-01-01,2027-01-03)';
UPDATE plain_calendar SET version = 5, change = 'dropped', reservation_id = NULL, was = NULL;
DELETE FROM plain_calendar;
SELECT pg_temp.events();

-- seq counts inserts and updates; nothing else shows or counts.
BEGIN;
INSERT INTO other VALUES (1, '{}', 1, 'created');
INSERT INTO plain_calendar SELECT i, i, '{}', i, 'reset' FROM generate_series(1, 3) i;
DELETE FROM plain_calendar WHERE listing_id = 1;
SAVEPOINT undone;
UPDATE plain_calendar SET version = 99;
ROLLBACK TO undone;
INSERT INTO plain_calendar VALUES (3, 3, '{}', 7, 'reset')
    ON CONFLICT (listing_id) DO UPDATE SET booked = '{[2026-01-01,2026-01-02)}', version = excluded.version;
TRUNCATE plain_calendar;
COPY plain_calendar (listing_id, booked, version, change) FROM stdin;
8	{[1970-01-01,1970-01-02)}	-9223372036854775808	reset
9	{[2149-06-06,2149-06-07)}	9223372036854775807	reset
\.
COMMIT;
BEGIN;
INSERT INTO plain_calendar VALUES (10, 10, '{}', 1, 'reset');
ROLLBACK;
SELECT pg_temp.events();

-- The columns about the cause are optional.
INSERT INTO short_calendar VALUES ('a', '{[2026-02-28,2026-03-01)}', 1, 'created');
SELECT pg_temp.events();

-- A rewrite of the table is no change of its rows.
ALTER TABLE short_calendar ALTER version TYPE bigint USING version + 1;
VACUUM FULL short_calendar;
SELECT pg_temp.events();

SELECT pg_drop_replication_slot('decoder_events');
DROP SCHEMA decoder_events CASCADE;
