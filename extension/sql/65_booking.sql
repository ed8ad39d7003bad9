-- Booking by function calls. Each runs the statement that the caller could have run, with the caller's rights.

CREATE FUNCTION availability.book(
    reservations regclass, listing bigint, stay daterange, idempotency_key text DEFAULT NULL, attributes jsonb DEFAULT '{}',
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_book';
COMMENT ON FUNCTION availability.book(regclass, bigint, daterange, text, jsonb) IS
    'inserts a reservation; a request that comes again with its idempotency key gets the first one''s answer';

CREATE FUNCTION availability.book(
    reservations regclass, listing text, stay daterange, idempotency_key text DEFAULT NULL, attributes jsonb DEFAULT '{}',
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_book';
COMMENT ON FUNCTION availability.book(regclass, text, daterange, text, jsonb) IS
    'inserts a reservation; a request that comes again with its idempotency key gets the first one''s answer';

CREATE FUNCTION availability.book(
    reservations regclass, listing uuid, stay daterange, idempotency_key text DEFAULT NULL, attributes jsonb DEFAULT '{}',
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_book';
COMMENT ON FUNCTION availability.book(regclass, uuid, daterange, text, jsonb) IS
    'inserts a reservation; a request that comes again with its idempotency key gets the first one''s answer';

CREATE FUNCTION availability.cancel(
    reservations regclass, key bigint, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_cancel';
COMMENT ON FUNCTION availability.cancel(regclass, bigint, text) IS
    'cancels a reservation: by the update that was given to track as cancel, else by deleting it';

CREATE FUNCTION availability.cancel(
    reservations regclass, key text, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_cancel';
COMMENT ON FUNCTION availability.cancel(regclass, text, text) IS
    'cancels a reservation: by the update that was given to track as cancel, else by deleting it';

CREATE FUNCTION availability.cancel(
    reservations regclass, key uuid, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_cancel';
COMMENT ON FUNCTION availability.cancel(regclass, uuid, text) IS
    'cancels a reservation: by the update that was given to track as cancel, else by deleting it';

CREATE FUNCTION availability.move(
    reservations regclass, key bigint, stay daterange, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_move';
COMMENT ON FUNCTION availability.move(regclass, bigint, daterange, text) IS
    'gives a reservation another stay';

CREATE FUNCTION availability.move(
    reservations regclass, key text, stay daterange, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_move';
COMMENT ON FUNCTION availability.move(regclass, text, daterange, text) IS
    'gives a reservation another stay';

CREATE FUNCTION availability.move(
    reservations regclass, key uuid, stay daterange, idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_move';
COMMENT ON FUNCTION availability.move(regclass, uuid, daterange, text) IS
    'gives a reservation another stay';

CREATE FUNCTION availability.hold(
    reservations regclass, listing bigint, stay daterange, ttl interval DEFAULT '15 minutes'
) RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_hold';
COMMENT ON FUNCTION availability.hold(regclass, bigint, daterange, interval) IS
    'holds the days of a stay for a while; returns the id to confirm or release it by';

CREATE FUNCTION availability.hold(
    reservations regclass, listing text, stay daterange, ttl interval DEFAULT '15 minutes'
) RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_hold';
COMMENT ON FUNCTION availability.hold(regclass, text, daterange, interval) IS
    'holds the days of a stay for a while; returns the id to confirm or release it by';

CREATE FUNCTION availability.hold(
    reservations regclass, listing uuid, stay daterange, ttl interval DEFAULT '15 minutes'
) RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_hold';
COMMENT ON FUNCTION availability.hold(regclass, uuid, daterange, interval) IS
    'holds the days of a stay for a while; returns the id to confirm or release it by';

CREATE FUNCTION availability.confirm(
    reservations regclass, hold_id uuid, attributes jsonb DEFAULT '{}', idempotency_key text DEFAULT NULL,
    OUT reservation_id text, OUT version bigint, OUT replayed boolean
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_confirm';
COMMENT ON FUNCTION availability.confirm(regclass, uuid, jsonb, text) IS
    'makes a reservation of a hold';

CREATE FUNCTION availability.release(hold_id uuid) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_release';
COMMENT ON FUNCTION availability.release(uuid) IS
    'frees the days of a hold; false if it is gone already';

CREATE FUNCTION availability.sweep(reservations regclass) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_sweep';
COMMENT ON FUNCTION availability.sweep(regclass) IS
    'frees the days of expired holds, so that those who follow the events learn of it; returns how many';

CREATE FUNCTION availability.expire_keys() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'availability_expire_keys';
COMMENT ON FUNCTION availability.expire_keys() IS
    'deletes the expired idempotency keys of all tracked tables; returns how many';
