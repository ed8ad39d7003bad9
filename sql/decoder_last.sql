-- The last message that a transaction sends says so, since all of them have one lsn, and only then may it be confirmed.
SET client_min_messages = warning;
CREATE SCHEMA decoder_last;
SET search_path = decoder_last;

CREATE TABLE a (listing_id int, booked availability.dayset, version bigint, change text);
CREATE TABLE b (LIKE a);
CREATE TABLE other (id int);

-- What each message is, and whether it says that it is the last; the transactions by number.
CREATE FUNCTION pg_temp.events(VARIADIC options text[] = '{}')
RETURNS TABLE (transaction bigint, event text, what text, seq int, last boolean) LANGUAGE sql AS $$
    SELECT dense_rank() OVER (ORDER BY (e ->> 'lsn')::pg_lsn), e ->> 'event', coalesce(e ->> 'table', e ->> 'content'),
        (e ->> 'seq')::int, (e ->> 'last')::boolean
    FROM pg_logical_slot_peek_changes('decoder_last', NULL, NULL, VARIADIC options)
        WITH ORDINALITY AS changes (lsn, xid, data, nth), json(data) AS e
    ORDER BY nth;
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_last', 'availability_decoder');

-- One event; some; what the transaction does to other tables, and what it undoes, comes behind the last.
INSERT INTO a VALUES (1, '{}', 1, 'reset');
INSERT INTO a VALUES (2, '{}', 1, 'reset'), (3, '{}', 1, 'reset'), (4, '{}', 1, 'reset');
BEGIN;
INSERT INTO a VALUES (5, '{}', 1, 'reset');
SAVEPOINT s;
INSERT INTO b VALUES (6, '{}', 1, 'reset');
RELEASE s;
INSERT INTO other SELECT generate_series(1, 1000);
SAVEPOINT s;
INSERT INTO a VALUES (7, '{}', 1, 'reset');
ROLLBACK TO s;
DELETE FROM a WHERE listing_id = 1;
COMMIT;
-- One that cannot be read, and a logical message.
BEGIN;
INSERT INTO a VALUES (8, '{}', 1, 'reset');
INSERT INTO a VALUES (9, '{}', 1, 'unheard of');
SELECT 1 FROM pg_logical_emit_message(true, 'app', 'note');
COMMIT;
-- None.
INSERT INTO other VALUES (1);

SELECT * FROM pg_temp.events();
SELECT * FROM pg_temp.events('messages', 'app');
SELECT * FROM pg_temp.events('tables', 'decoder_last.a');
SELECT * FROM pg_temp.events('tables', 'decoder_last.b');
SELECT * FROM pg_temp.events('tables', 'decoder_last.b', 'messages', 'app', 'transactions', 'on');

-- In protobuf it is the field 18, behind all others, or absent.
SELECT length(data) > 40 AS some, right(encode(data, 'hex'), 6) = '900101' AS last
FROM pg_logical_slot_peek_binary_changes('decoder_last', NULL, NULL, 'format', 'protobuf', 'tables', 'decoder_last.a');

-- The place that the server gives the last is within the commit record, for drivers that confirm the place of what they
-- have received, or one byte more; that of the others is before it.
SELECT e ->> 'table' AS table, e ->> 'seq' AS seq, e ->> 'last' AS last, greatest(lsn - (e ->> 'lsn')::pg_lsn, -2) AS place
FROM pg_logical_slot_peek_changes('decoder_last', NULL, NULL)
    WITH ORDINALITY AS changes (lsn, xid, data, nth), json(data) AS e
ORDER BY nth;
-- With frames, that of the commit.
SELECT e ->> 'event' AS event, e ->> 'seq' AS seq, e ->> 'last' AS last, greatest(lsn - (e ->> 'lsn')::pg_lsn, -2) AS place
FROM pg_logical_slot_peek_changes('decoder_last', NULL, NULL, 'transactions', 'on')
    WITH ORDINALITY AS changes (lsn, xid, data, nth), json(data) AS e
ORDER BY nth;

-- Confirmed up to any place but the last one's, the transaction comes again whole.
CREATE TEMPORARY TABLE place AS
    SELECT lsn, row_number() OVER () AS nth, data::json ->> 'last' AS last
    FROM pg_logical_slot_peek_changes('decoder_last', NULL, NULL);
SELECT lsn AS third FROM place WHERE nth = 3 \gset
SELECT lsn AS fourth FROM place WHERE nth = 4 \gset
SELECT last FROM place WHERE nth IN (3, 4) ORDER BY nth;
SELECT 1 FROM pg_replication_slot_advance('decoder_last', :'third');
SELECT count(*) FROM pg_temp.events();
SELECT 1 FROM pg_replication_slot_advance('decoder_last', :'fourth');
SELECT count(*) FROM pg_temp.events();

-- A long message and short ones: each is whole.
SELECT count(*) > 0 AS some FROM pg_logical_slot_get_changes('decoder_last', NULL, NULL);
BEGIN;
SELECT 1 FROM pg_logical_emit_message(true, 'app', repeat('x', 100000));
SELECT 1 FROM pg_logical_emit_message(true, 'app', 'short');
SELECT 1 FROM pg_logical_emit_message(true, 'app', repeat('y', 200000));
COMMIT;
SELECT 1 FROM pg_logical_emit_message(true, 'app', 'short');
SELECT data::json ->> 'last' AS last, length(data::json ->> 'content') AS length,
    md5(data::json ->> 'content') = md5(repeat('y', 200000)) AS same
FROM pg_logical_slot_get_changes('decoder_last', NULL, NULL, 'messages', 'app');

SELECT pg_drop_replication_slot('decoder_last');
DROP SCHEMA decoder_last CASCADE;
