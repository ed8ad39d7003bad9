-- A complete consumer of events in SQL: keeps a copy of the calendars, in this or in another database.
--
--   psql -d app -v slot=cache -v calendars=public.reservations_calendar -f consumer.sql
--
-- Made once, beside the copy:
--   SELECT pg_create_logical_replication_slot('cache', 'availability_decoder');
--   CREATE TABLE calendar_copy (listing text PRIMARY KEY, version bigint NOT NULL, booked jsonb NOT NULL);
--
-- Peek, apply, then advance: what dies in between is applied again, and changes nothing, since only a greater version does.
-- (pg_logical_slot_get_changes would take events away before they are applied.)
SELECT pg_current_wal_flush_lsn() AS upto \gset
BEGIN;
CREATE TEMPORARY TABLE event ON COMMIT DROP AS
    SELECT data::jsonb AS event FROM pg_logical_slot_peek_changes(:'slot', :'upto', NULL, 'tables', :'calendars');
INSERT INTO calendar_copy (listing, version, booked)
    SELECT DISTINCT ON (event->>'listing') event->>'listing', (event->>'version')::bigint, event->'booked'
    FROM event WHERE event->>'event' IN ('created', 'updated', 'cancelled', 'reset', 'dropped')
    ORDER BY event->>'listing', (event->>'version')::bigint DESC
    ON CONFLICT (listing) DO UPDATE SET version = excluded.version, booked = excluded.booked
        WHERE calendar_copy.version < excluded.version;
SELECT count(*) AS events FROM event;
COMMIT;
-- All that was committed up to there is applied; nothing of it is needed any more, whether or not it told us something.
SELECT FROM pg_replication_slot_advance(:'slot', :'upto');
