-- Begin and commit frames surround the transactions that send something, and chosen logical messages come along.
SET client_min_messages = warning;
CREATE SCHEMA decoder_transactions;
SET search_path = decoder_transactions;

CREATE TABLE calendar (listing_id int, booked availability.dayset, version bigint, change text);
CREATE TABLE other (id int);

CREATE FUNCTION pg_temp.peek(VARIADIC options text[] = '{}') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(data, ',"lsn":"[0-9A-F]+/[0-9A-F]+"', ''), ',"at":"[^"]+Z"', '')
    FROM (SELECT CASE WHEN (data::json ->> 'xid')::xid = xid THEN regexp_replace(data, '"xid":\d+', '"xid":N') ELSE data END AS data
          FROM pg_logical_slot_peek_changes('decoder_transactions', NULL, NULL, VARIADIC options)) AS changes;
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_transactions', 'availability_decoder');

INSERT INTO other VALUES (1);
BEGIN;
INSERT INTO other VALUES (2);
INSERT INTO calendar VALUES (1, '{}', 1, 'reset'), (2, '{}', 1, 'reset');
COMMIT;
SELECT 1 FROM pg_logical_emit_message(true, 'app', E'said "so"\n');
SELECT 1 FROM pg_logical_emit_message(false, 'app', 'not transactional');
SELECT 1 FROM pg_logical_emit_message(true, 'app, too', '');
SELECT 1 FROM pg_logical_emit_message(true, 'App', 'other case');
SELECT 1 FROM pg_logical_emit_message(true, '', 'no prefix');
BEGIN;
INSERT INTO calendar VALUES (3, '{}', 1, 'reset');
SELECT 1 FROM pg_logical_emit_message(true, 'app', '\x00'::bytea);
SELECT 1 FROM pg_logical_emit_message(true, 'app', '\x00ff'::bytea);
SELECT 1 FROM pg_logical_emit_message(true, 'app', '\xffd8ff'::bytea);
INSERT INTO calendar VALUES (4, '{}', 1, 'reset');
COMMIT;
BEGIN;
SELECT 1 FROM pg_logical_emit_message(true, 'app', 'rolled back');
ROLLBACK;

SELECT pg_temp.peek();
SELECT pg_temp.peek('transactions', 'on');
SELECT pg_temp.peek('messages', 'app, "app, too"');
SELECT pg_temp.peek('messages', '"",App', 'transactions', 'on', 'tables', 'public.none');

-- One transaction has one lsn and one time.
SELECT count(*), count(DISTINCT data::json ->> 'lsn') AS lsns, count(DISTINCT data::json ->> 'at') AS times
FROM pg_logical_slot_peek_changes('decoder_transactions', NULL, NULL, 'transactions', 'on', 'messages', 'app')
GROUP BY xid::text ORDER BY 1;

-- A message past 16 MB is not passed on.
SELECT count(*) > 0 AS some FROM pg_logical_slot_get_changes('decoder_transactions', NULL, NULL);
SELECT 1 FROM pg_logical_emit_message(true, 'app', repeat('x', 16 * 1024 * 1024));
SELECT 1 FROM pg_logical_emit_message(true, 'app', repeat('x', 16 * 1024 * 1024 + 1));
SELECT left(message, 60), length(message) FROM pg_temp.peek('messages', 'app') AS message;

SELECT pg_drop_replication_slot('decoder_transactions');
DROP SCHEMA decoder_transactions CASCADE;
