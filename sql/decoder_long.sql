-- No event of a tracked table is unreadable: long texts are read or refused, and calendars out of line are in the WAL whenever
-- their rows are.
SET client_min_messages = warning;
CREATE SCHEMA decoder_long;
SET search_path = decoder_long, availability;

CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM || ':', detail);
END
$$;
-- Text that no compression makes shorter, and text that goes into a few bytes; of characters that are one byte and three.
CREATE FUNCTION noise(length int) RETURNS text LANGUAGE sql AS $$
    SELECT left(string_agg(translate(encode(sha512(n::text::bytea), 'base64'), E'\n', ''), ''), length) FROM generate_series(0, length / 80) AS n
$$;
CREATE FUNCTION events() RETURNS TABLE (event text, length int, count bigint, agree boolean) LANGUAGE sql AS $$
    SELECT event ->> 'event', max(length(event ->> 'listing')), count(*), bool_and(event ->> 'event' <> 'unreadable' AND event ? 'booked')
    FROM (SELECT data::jsonb FROM pg_logical_slot_get_changes('decoder_long', NULL, NULL, 'tables',
          'decoder_long.t_calendar, decoder_long.u_calendar')) AS changes (event)
    GROUP BY event ->> 'event' ORDER BY 1
$$;
SELECT slot_name FROM pg_create_logical_replication_slot('decoder_long', 'availability_decoder');

CREATE TABLE t (id text PRIMARY KEY, listing_id text, stay daterange);
SELECT availability.track('t');
SELECT kind, length, octet_length(value), state_of(format('INSERT INTO t VALUES (%L, %L, ''[2027-01-01,2027-01-03)'')', n, value)),
       state_of(format('INSERT INTO t VALUES (%L, %L, ''[2027-02-01,2027-02-03)'')', value, n))
FROM (SELECT row_number() OVER () AS n, *, CASE kind WHEN 'noise' THEN noise(length) WHEN 'same' THEN repeat('x', length) ELSE repeat('€', length) END AS value
      FROM (VALUES ('noise', 512), ('noise', 513), ('noise', 2600), ('noise', 100000), ('same', 512), ('same', 513), ('same', 100000), ('wide', 170), ('wide', 171)) AS s (kind, length)) AS texts
ORDER BY n;
SELECT * FROM events();
-- The longest listing and the longest key, on a calendar that is out of line: not compressed, it is with fewer days.
ALTER TABLE t_calendar ALTER booked SET STORAGE external;
INSERT INTO t SELECT 'k' || n || noise(500), noise(512), daterange(day, day + 1)
    FROM generate_series(1, 1100) AS n, LATERAL (SELECT date '2030-01-01' + n * 3 + abs(hashint4(n)) % 2 AS day) AS d;
SELECT pg_column_size(booked) > 2000 AS out_of_line, pg_column_size(listing_id) FROM t_calendar WHERE listing_id = noise(512);
UPDATE t SET stay = daterange(lower(stay), lower(stay) + 2) WHERE listing_id = noise(512) AND hashtext(id) % 20 = 0;
DELETE FROM t WHERE listing_id = noise(512) AND hashtext(id) % 20 = 1;
SELECT * FROM events();

-- A listing that is deleted and inserted again while its reservations stay keeps its calendar, and says so.
CREATE TABLE listings (id text PRIMARY KEY);
CREATE TABLE u (id int PRIMARY KEY, listing_id text, stay daterange);
SELECT availability.track('u', listings => 'listings');
ALTER TABLE u_calendar ALTER booked SET STORAGE external;
INSERT INTO listings VALUES ('a'), (noise(512)), ('');
SELECT state_of(format('INSERT INTO listings VALUES (%L)', noise(513)));
SELECT state_of(format('UPDATE listings SET id = %L WHERE id = ''a''', repeat('x', 100000)));
INSERT INTO u SELECT n, 'a', daterange(day, day + 1)
    FROM generate_series(1, 1100) AS n, LATERAL (SELECT date '2030-01-01' + n * 3 + abs(hashint4(n)) % 2 AS day) AS d;
SELECT pg_column_size(booked) > 2000 AS out_of_line FROM u_calendar WHERE listing_id = 'a';
SELECT count(*) FROM pg_logical_slot_get_changes('decoder_long', NULL, NULL);
DELETE FROM listings WHERE id = 'a';
INSERT INTO listings VALUES ('a');
SELECT data::jsonb ->> 'event' AS event, (SELECT booked::jsonb FROM u_calendar WHERE listing_id = 'a') = data::jsonb -> 'booked' AS agrees
FROM pg_logical_slot_get_changes('decoder_long', NULL, NULL);
-- The owner's own update of a column of his own.
ALTER TABLE u_calendar ADD market text;
UPDATE u_calendar SET market = 'coast' WHERE listing_id = 'a';
SELECT data::jsonb ->> 'event' AS event, (SELECT booked::jsonb FROM u_calendar WHERE listing_id = 'a') = data::jsonb -> 'booked' AS agrees
FROM pg_logical_slot_get_changes('decoder_long', NULL, NULL);
SELECT availability.forget('u', '2031-01-01');
TRUNCATE u;
SELECT * FROM events();
SELECT availability.untrack('u');

-- Rows that were there before.
INSERT INTO u VALUES (1, noise(513), '[2027-01-01,2027-01-02)');
SELECT state_of($$SELECT availability.track('u')$$);
TRUNCATE u;
INSERT INTO listings VALUES (repeat('x', 600));
SELECT state_of($$SELECT availability.track('u', listings => 'listings')$$);
DELETE FROM listings;
SELECT state_of($$SELECT availability.track('u', listings => 'listings')$$);

SELECT pg_drop_replication_slot('decoder_long');
DROP SCHEMA decoder_long CASCADE;
