-- availability: from 0.2 to 0.3, run by ALTER EXTENSION availability UPDATE
\echo Use "ALTER EXTENSION availability UPDATE" to load this file. \quit

-- Booking functions take what a driver sends: one each, in place of one for each type.
DROP FUNCTION availability.book(regclass, bigint, daterange, text, jsonb);
DROP FUNCTION availability.book(regclass, text, daterange, text, jsonb);
DROP FUNCTION availability.book(regclass, uuid, daterange, text, jsonb);
DROP FUNCTION availability.cancel(regclass, bigint, text);
DROP FUNCTION availability.cancel(regclass, text, text);
DROP FUNCTION availability.cancel(regclass, uuid, text);
DROP FUNCTION availability.move(regclass, bigint, daterange, text);
DROP FUNCTION availability.move(regclass, text, daterange, text);
DROP FUNCTION availability.move(regclass, uuid, daterange, text);
DROP FUNCTION availability.hold(regclass, bigint, daterange, interval);
DROP FUNCTION availability.hold(regclass, text, daterange, interval);
DROP FUNCTION availability.hold(regclass, uuid, daterange, interval);
DROP FUNCTION availability.confirm(regclass, uuid, jsonb, text);
DROP FUNCTION availability.release(uuid);

-- What these functions take is read by what the table's columns are, so one type stands for all that a driver may send:
-- a number, a uuid, a string declared as text or varchar or not declared at all, a range, JSON. Overloads could not do
-- that: a stay declared as varchar found none, and an undeclared parameter was always text.
CREATE TYPE availability.argument;

CREATE FUNCTION availability.argument_in(cstring) RETURNS availability.argument
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION availability.argument_in(cstring) IS
    'reads an argument';

CREATE FUNCTION availability.argument_out(availability.argument) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION availability.argument_out(availability.argument) IS
    'writes an argument';

CREATE FUNCTION availability.argument_recv(internal) RETURNS availability.argument
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
COMMENT ON FUNCTION availability.argument_recv(internal) IS
    'reads the binary form of an argument, its text';

CREATE FUNCTION availability.argument_send(availability.argument) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION availability.argument_send(availability.argument) IS
    'writes the binary form of an argument, its text';

CREATE TYPE availability.argument (
    INPUT = availability.argument_in,
    OUTPUT = availability.argument_out,
    RECEIVE = availability.argument_recv,
    SEND = availability.argument_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended,
    CATEGORY = 'U'
);
COMMENT ON TYPE availability.argument IS
    'what a booking function is given, as its text: a listing, a key, a stay, a hold, a time, attributes';

CREATE CAST (smallint AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (integer AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (bigint AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (numeric AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (uuid AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS availability.argument) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (character varying AS availability.argument) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (daterange AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (interval AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (json AS availability.argument) WITH INOUT AS IMPLICIT;
CREATE CAST (jsonb AS availability.argument) WITH INOUT AS IMPLICIT;

COMMENT ON CAST (smallint AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (integer AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (bigint AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (numeric AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (uuid AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (text AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (character varying AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (daterange AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (interval AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (json AS availability.argument) IS 'given to a booking function';
COMMENT ON CAST (jsonb AS availability.argument) IS 'given to a booking function';

CREATE FUNCTION availability.book(
    reservations regclass, listing availability.argument, stay availability.argument,
    idempotency_key availability.argument DEFAULT NULL, attributes availability.argument DEFAULT '{}',
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_book';
COMMENT ON FUNCTION availability.book IS
    'inserts a reservation; a request that comes again with its idempotency key gets the first one''s answer';

CREATE FUNCTION availability.cancel(
    reservations regclass, key availability.argument, idempotency_key availability.argument DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_cancel';
COMMENT ON FUNCTION availability.cancel IS
    'cancels a reservation: by the update that was given to track as cancel, else by deleting it';

CREATE FUNCTION availability.move(
    reservations regclass, key availability.argument, stay availability.argument,
    idempotency_key availability.argument DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_move';
COMMENT ON FUNCTION availability.move IS
    'gives a reservation another stay';

CREATE FUNCTION availability.hold(
    reservations regclass, listing availability.argument, stay availability.argument,
    ttl availability.argument DEFAULT '15 minutes'
) RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_hold';
COMMENT ON FUNCTION availability.hold IS
    'holds the days of a stay for a while; returns the id to confirm or release it by';

CREATE FUNCTION availability.confirm(
    reservations regclass, hold_id availability.argument, attributes availability.argument DEFAULT '{}',
    idempotency_key availability.argument DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_confirm';
COMMENT ON FUNCTION availability.confirm IS
    'makes a reservation of a hold';

CREATE FUNCTION availability.release(
    hold_id availability.argument
) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_release';
COMMENT ON FUNCTION availability.release IS
    'frees the days of a hold; false if it is gone already';

-- A row whose table is gone would be restored as numbers, which are other relations there.
SELECT pg_catalog.pg_extension_config_dump('availability.tracked',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) tracked.reservations)');

-- The life of the settings. A tracked table takes them and its companions along when it is dropped.

CREATE FUNCTION availability.tracked_written() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_tracked_written';
COMMENT ON FUNCTION availability.tracked_written() IS
    'row trigger of availability.tracked: ties companions to their table';
REVOKE EXECUTE ON FUNCTION availability.tracked_written() FROM PUBLIC;
CREATE TRIGGER tracked_written BEFORE INSERT OR UPDATE ON availability.tracked
    FOR EACH ROW EXECUTE FUNCTION availability.tracked_written();

CREATE FUNCTION availability.follow_drop(relations oid[]) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_follow_drop';
COMMENT ON FUNCTION availability.follow_drop(oid[]) IS
    'drops the companions and settings of tracked tables that a command dropped; called by the event trigger alone';
REVOKE EXECUTE ON FUNCTION availability.follow_drop(oid[]) FROM PUBLIC;

-- Runs with every DROP of everybody: it reads two small lists, and goes on only where a tracked table is concerned. It
-- is not in C, so that nobody's DROP needs the library.
CREATE FUNCTION availability.dropped() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relations oid[] := ARRAY(SELECT o.objid FROM pg_event_trigger_dropped_objects() o
                             WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.objsubid = 0);
BEGIN
    IF EXISTS (SELECT FROM availability.tracked t
               WHERE t.reservations = ANY (relations) OR t.claims = ANY (relations) OR t.listings = ANY (relations)) THEN
        PERFORM availability.follow_drop(relations);
    END IF;
END
$$;
COMMENT ON FUNCTION availability.dropped() IS
    'event trigger: the settings and companions of a tracked table go with it';
REVOKE EXECUTE ON FUNCTION availability.dropped() FROM PUBLIC;
CREATE EVENT TRIGGER availability_dropped ON sql_drop EXECUTE FUNCTION availability.dropped();
COMMENT ON EVENT TRIGGER availability_dropped IS 'the settings and companions of a tracked table go with it';

-- Companions of tables that are tracked already are tied to them.
UPDATE availability.tracked SET reservations = reservations;
