-- Booking by function calls. Each runs the statement that the caller could have run, with the caller's rights.

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
    ttl availability.argument DEFAULT '15 minutes', attributes availability.argument DEFAULT '{}'
) RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_hold';
COMMENT ON FUNCTION availability.hold IS
    'holds the days of a stay for a while, if the reservation could be inserted; returns the id to confirm or release it by';

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
    hold_id availability.argument, reservations regclass DEFAULT NULL
) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_release';
COMMENT ON FUNCTION availability.release IS
    'frees the days of a hold, whose id says its table, unless it was made under 0.2 or before a restore; false if it is gone already';

CREATE FUNCTION availability.sweep(reservations regclass) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_sweep';
COMMENT ON FUNCTION availability.sweep(regclass) IS
    'frees the days of expired holds, so that those who follow the events learn of it; returns how many';

CREATE FUNCTION availability.expire_keys(reservations regclass DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_expire_keys';
COMMENT ON FUNCTION availability.expire_keys(regclass) IS
    'deletes the expired idempotency keys of a tracked table, or of all that the caller may write; returns how many';

CREATE FUNCTION availability.set_limits(
    reservations regclass, max_hold_ttl interval DEFAULT '1 hour', max_stay integer DEFAULT 366, max_holds integer DEFAULT 100
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_set_limits';
COMMENT ON FUNCTION availability.set_limits(regclass, interval, integer, integer) IS
    'bounds the holds of a tracked table: how long, of how many days, how many of one role and listing; NULL for any';
