-- Output does not depend on session settings, and is the same each time.
SET client_min_messages = warning;
CREATE SCHEMA decoder_settings;
CREATE TABLE decoder_settings.table (listing_id text, booked availability.dayset, version bigint, change text, reservation_id uuid,
    stay daterange);
CREATE TEMP TABLE seen (data text);

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_settings', 'availability_decoder');
INSERT INTO decoder_settings.table VALUES ('a', '{[2026-12-20,2026-12-27)}', 1, 'created',
    'a0000000-0000-0000-0000-000000000000', '[2026-12-20,2026-12-27)');
SELECT 1 FROM pg_logical_emit_message(true, 'app', '\xff'::bytea);

SELECT clock_timestamp() AS peeked \gset
INSERT INTO seen SELECT data FROM pg_logical_slot_peek_changes('decoder_settings', NULL, NULL, 'messages', 'app', 'transactions', 'on');
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'Asia/Kathmandu';
SET bytea_output = 'escape';
SET quote_all_identifiers = on;
SET extra_float_digits = 0;
SET search_path = decoder_settings;
INSERT INTO seen SELECT data FROM pg_logical_slot_peek_changes('decoder_settings', NULL, NULL, 'messages', 'app', 'transactions', 'on');
INSERT INTO seen SELECT convert_from(data, 'UTF8')
    FROM pg_logical_slot_peek_binary_changes('decoder_settings', NULL, NULL, 'messages', 'app', 'transactions', 'on');
SELECT data::json ->> 'event' AS event, data::json ->> 'table' AS name, count(*) FROM seen GROUP BY data ORDER BY 1, 2;

-- `at` is the commit time.
SELECT bool_and((data::json ->> 'at')::timestamptz BETWEEN :'peeked'::timestamptz - interval '1 minute' AND :'peeked') AS at_commit FROM seen;

RESET ALL;
SET client_min_messages = warning;
SELECT pg_drop_replication_slot('decoder_settings');
DROP SCHEMA decoder_settings CASCADE;
