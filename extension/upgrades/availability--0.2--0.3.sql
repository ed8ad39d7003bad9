-- availability: from 0.2 to 0.3, run by ALTER EXTENSION availability UPDATE
\echo Use "ALTER EXTENSION availability UPDATE" to load this file. \quit

-- What holds may be. Tables that are tracked get the bounds of new ones.
ALTER TABLE availability.tracked
    ADD COLUMN max_hold_ttl interval DEFAULT '1 hour',
    ADD COLUMN max_stay     integer  DEFAULT 366,
    ADD COLUMN max_holds    integer  DEFAULT 100;
COMMENT ON COLUMN availability.tracked.max_hold_ttl IS 'the longest time for which days may be held; NULL for any';
COMMENT ON COLUMN availability.tracked.max_stay IS 'the most days that one hold may take; NULL for any';
COMMENT ON COLUMN availability.tracked.max_holds IS 'the most holds that one role may have of one listing; NULL for any';

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

DROP FUNCTION availability.expire_keys();
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

-- A row whose table is gone would be restored as numbers, which are other relations there.
SELECT pg_catalog.pg_extension_config_dump('availability.tracked',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) tracked.reservations)');

-- The life of the settings. A tracked table takes them and its companions along when it is dropped.

CREATE FUNCTION availability.tracked_written() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_tracked_written';
COMMENT ON FUNCTION availability.tracked_written() IS
    'row trigger of availability.tracked: ties companions to their table';
REVOKE EXECUTE ON FUNCTION availability.tracked_written() FROM PUBLIC;
CREATE TRIGGER tracked_written BEFORE INSERT OR UPDATE OR DELETE ON availability.tracked
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
        BEGIN
            PERFORM availability.follow_drop(relations);
        EXCEPTION WHEN undefined_file THEN
            RAISE WARNING 'the settings of a dropped table are left: the library of extension availability is missing';
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION availability.dropped() IS
    'event trigger: the settings and companions of a tracked table go with it';
REVOKE EXECUTE ON FUNCTION availability.dropped() FROM PUBLIC;
CREATE EVENT TRIGGER availability_dropped ON sql_drop EXECUTE FUNCTION availability.dropped();
COMMENT ON EVENT TRIGGER availability_dropped IS 'the settings and companions of a tracked table go with it';

-- Runs with every CREATE TABLE, CREATE SCHEMA and ALTER TABLE of everybody, as the one above. Only who owns a table can make it a parent.
CREATE FUNCTION availability.child_made() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    child regclass;
    parent regclass;
BEGIN
    SELECT i.inhrelid, i.inhparent INTO child, parent
    FROM pg_event_trigger_ddl_commands() d
        JOIN pg_inherits i ON i.inhrelid = d.objid
        JOIN availability.tracked t ON t.reservations = i.inhparent
        JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'r'
        JOIN pg_trigger g ON g.tgrelid = i.inhparent AND g.tgfoid = 'availability.claim_changed()'::regprocedure
    WHERE d.classid = 'pg_catalog.pg_class'::regclass
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table "%" can''t inherit from tracked table "%"', child, parent
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Its rows would claim no days: children run no triggers of their parent.',
                HINT = 'Partition the table instead.';
    END IF;
END
$$;
COMMENT ON FUNCTION availability.child_made() IS
    'event trigger: a tracked table has no children, whose rows would claim no days';
REVOKE EXECUTE ON FUNCTION availability.child_made() FROM PUBLIC;
CREATE EVENT TRIGGER availability_child_made ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'ALTER TABLE', 'ALTER FOREIGN TABLE')
    EXECUTE FUNCTION availability.child_made();
COMMENT ON EVENT TRIGGER availability_child_made IS 'a tracked table has no children, whose rows would claim no days';

CREATE FUNCTION availability.suspend(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_suspend';
COMMENT ON FUNCTION availability.suspend(regclass) IS
    'lets columns that a claim reads be altered or dropped; no row of the table can be written until retrack';

CREATE FUNCTION availability.retrack(
    reservations regclass,
    listing text DEFAULT NULL,
    stay text DEFAULT NULL,
    active text DEFAULT NULL,
    key text DEFAULT NULL,
    listings regclass DEFAULT NULL,
    cancel text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_retrack';
COMMENT ON FUNCTION availability.retrack(regclass, text, text, text, text, regclass, text) IS
    'tracks a table with the arguments given in place of those it has; companions stay, with all that was made on top of them';

-- Companions of tables that are tracked already are tied to them.
UPDATE availability.tracked SET reservations = reservations;

-- Calendars are written whole, also by updates by hand. A calendar that is locked for long or has a trigger of that name is
-- left as it is.
CREATE FUNCTION availability.calendar_updated() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_calendar_updated';
COMMENT ON FUNCTION availability.calendar_updated() IS
    'trigger of calendars: an update by hand writes the whole calendar, for the decoder to read';

DO $do$
DECLARE
    calendar regclass;
    waits CONSTANT text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
    FOR calendar IN
        SELECT t.calendar FROM availability.tracked AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.calendar AND c.relkind = 'r'
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid AND g.tgname = '_availability_calendar')
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE TRIGGER _availability_calendar BEFORE UPDATE ON %s FOR EACH ROW'
                                      ' EXECUTE FUNCTION availability.calendar_updated()', calendar);
        EXCEPTION WHEN lock_not_available OR undefined_table THEN
            RAISE WARNING 'calendar % got no trigger: updates by hand of its largest rows can''t be decoded', calendar;
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('lock_timeout', waits, true);
END
$do$;

-- Set search.
ALTER TABLE availability.tracked ADD COLUMN sets regclass, ADD COLUMN delta regclass;
COMMENT ON COLUMN availability.tracked.sets IS 'companion: the sets of booked listings by day; NULL without set search';
COMMENT ON COLUMN availability.tracked.delta IS 'companion: calendars that changed since the sets were written; NULL as sets is';

DROP FUNCTION availability.track(regclass, text, text, text, text, regclass, date, boolean, text);
CREATE FUNCTION availability.track(
    reservations regclass,
    listing text DEFAULT 'listing_id',
    stay text DEFAULT NULL,
    active text DEFAULT 'true',
    key text DEFAULT NULL,
    listings regclass DEFAULT NULL,
    since date DEFAULT NULL,
    day_rows boolean DEFAULT true,
    cancel text DEFAULT NULL,
    sets boolean DEFAULT false
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_track';
COMMENT ON FUNCTION availability.track(regclass, text, text, text, text, regclass, date, boolean, text, boolean) IS
    'keeps calendars of a table of reservations from now on, and refuses double bookings in it';

-- The type listing_set: a set of listings by their ordinals (the column of that name of a calendar companion), a portable Roaring bitmap.

CREATE TYPE availability.listing_set;

CREATE FUNCTION availability.listing_set_in(cstring) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_in(cstring) IS
    'reads the text form of a set of listings';

CREATE FUNCTION availability.listing_set_out(availability.listing_set) RETURNS cstring
    AS 'MODULE_PATHNAME', 'availability_listing_set_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_out(availability.listing_set) IS
    'writes the text form of a set of listings';

CREATE FUNCTION availability.listing_set_recv(internal) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_recv(internal) IS
    'reads the binary form of a set of listings, a portable Roaring bitmap';

CREATE FUNCTION availability.listing_set_send(availability.listing_set) RETURNS bytea
    AS 'MODULE_PATHNAME', 'availability_listing_set_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_send(availability.listing_set) IS
    'writes the binary form of a set of listings, a portable Roaring bitmap';

CREATE TYPE availability.listing_set (
    INPUT = availability.listing_set_in,
    OUTPUT = availability.listing_set_out,
    RECEIVE = availability.listing_set_recv,
    SEND = availability.listing_set_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended,
    CATEGORY = 'U'
);
COMMENT ON TYPE availability.listing_set IS
    'set of listings by their ordinals, such as {1,2,5-9}';

-- Casts, all explicit.

CREATE FUNCTION availability.listing_set(integer[]) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_from_array' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set(integer[]) IS
    'the listings with the ordinals of an array, in any order';

CREATE CAST (integer[] AS availability.listing_set) WITH FUNCTION availability.listing_set(integer[]);
COMMENT ON CAST (integer[] AS availability.listing_set) IS 'the listings with the ordinals of the array, in any order; nulls are an error';

CREATE FUNCTION availability.listing_set(bytea) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_from_bytea' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set(bytea) IS
    'the set of a portable Roaring bitmap, validated';

CREATE CAST (bytea AS availability.listing_set) WITH FUNCTION availability.listing_set(bytea);
COMMENT ON CAST (bytea AS availability.listing_set) IS 'the set of a portable Roaring bitmap, validated and brought into canonical form';

CREATE FUNCTION availability.listing_set_to_array(availability.listing_set) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'availability_listing_set_to_array' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_to_array(availability.listing_set) IS
    'the ordinals in ascending order';

CREATE CAST (availability.listing_set AS integer[]) WITH FUNCTION availability.listing_set_to_array(availability.listing_set);
COMMENT ON CAST (availability.listing_set AS integer[]) IS 'the ordinals in ascending order';

-- The stored bytes are the bytea.
CREATE CAST (availability.listing_set AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (availability.listing_set AS bytea) IS 'the stored bytes, a portable Roaring bitmap';

-- Measures and members.

CREATE FUNCTION availability.count(availability.listing_set) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_listing_set_count' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.count(availability.listing_set) IS
    'how many listings the set has';

CREATE FUNCTION availability.is_empty(availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_is_empty' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.is_empty(availability.listing_set) IS
    'has the set no listing?';

CREATE FUNCTION availability.members_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_members_support' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.members_support(internal) IS
    'planner support of members';

CREATE FUNCTION availability.members(availability.listing_set) RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'availability_listing_set_members' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 SUPPORT availability.members_support;
COMMENT ON FUNCTION availability.members(availability.listing_set) IS
    'the ordinals in ascending order';

-- Operators: a set stands on the left of each.

CREATE FUNCTION availability.listing_set_sel(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'availability_listing_set_sel' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_sel(internal, oid, internal, integer) IS
    'restriction selectivity of listing_set @> ordinal';

CREATE FUNCTION availability.listing_set_contains_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_contains_support' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_contains_support(internal) IS
    'planner support of listing_set @> ordinal';

CREATE FUNCTION availability.listing_set_contains(availability.listing_set, integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_contains_ordinal' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SUPPORT availability.listing_set_contains_support;
COMMENT ON FUNCTION availability.listing_set_contains(availability.listing_set, integer) IS
    'implementation of @> operator';

CREATE OPERATOR availability.@> (
    LEFTARG = availability.listing_set, RIGHTARG = integer,
    FUNCTION = availability.listing_set_contains,
    RESTRICT = availability.listing_set_sel,
    JOIN = pg_catalog.contjoinsel
);
COMMENT ON OPERATOR availability.@> (availability.listing_set, integer) IS 'is the listing with that ordinal in the set?';

CREATE FUNCTION availability.listing_set_contains(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_contains' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_contains(availability.listing_set, availability.listing_set) IS
    'implementation of @> operator';

CREATE OPERATOR availability.@> (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_contains,
    RESTRICT = pg_catalog.contsel,
    JOIN = pg_catalog.contjoinsel
);
COMMENT ON OPERATOR availability.@> (availability.listing_set, availability.listing_set) IS 'are all listings of the right set in the left one?';

CREATE FUNCTION availability.listing_set_overlaps(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_overlaps' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_overlaps(availability.listing_set, availability.listing_set) IS
    'implementation of && operator';

CREATE FUNCTION availability.listing_set_disjoint(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_disjoint' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_disjoint(availability.listing_set, availability.listing_set) IS
    'implementation of !&& operator';

CREATE OPERATOR availability.&& (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_overlaps,
    COMMUTATOR = OPERATOR(availability.&&),
    NEGATOR = OPERATOR(availability.!&&),
    RESTRICT = pg_catalog.contsel,
    JOIN = pg_catalog.contjoinsel
);
COMMENT ON OPERATOR availability.&& (availability.listing_set, availability.listing_set) IS 'have the sets a listing in common?';

CREATE OPERATOR availability.!&& (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_disjoint,
    COMMUTATOR = OPERATOR(availability.!&&),
    NEGATOR = OPERATOR(availability.&&),
    RESTRICT = pg_catalog.contsel,
    JOIN = pg_catalog.contjoinsel
);
COMMENT ON OPERATOR availability.!&& (availability.listing_set, availability.listing_set) IS 'have the sets no listing in common?';

CREATE FUNCTION availability.listing_set_union(availability.listing_set, integer) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_add_ordinal' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_union(availability.listing_set, integer) IS
    'implementation of + operator';

CREATE OPERATOR availability.+ (
    LEFTARG = availability.listing_set, RIGHTARG = integer,
    FUNCTION = availability.listing_set_union
);
COMMENT ON OPERATOR availability.+ (availability.listing_set, integer) IS 'the set with the listing of that ordinal';

CREATE FUNCTION availability.listing_set_union(availability.listing_set, availability.listing_set) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_union' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_union(availability.listing_set, availability.listing_set) IS
    'implementation of + operator';

CREATE OPERATOR availability.+ (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_union,
    COMMUTATOR = OPERATOR(availability.+)
);
COMMENT ON OPERATOR availability.+ (availability.listing_set, availability.listing_set) IS 'the listings of either set';

CREATE FUNCTION availability.listing_set_minus(availability.listing_set, integer) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_remove_ordinal' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_minus(availability.listing_set, integer) IS
    'implementation of - operator';

CREATE OPERATOR availability.- (
    LEFTARG = availability.listing_set, RIGHTARG = integer,
    FUNCTION = availability.listing_set_minus
);
COMMENT ON OPERATOR availability.- (availability.listing_set, integer) IS 'the set without the listing of that ordinal';

CREATE FUNCTION availability.listing_set_minus(availability.listing_set, availability.listing_set) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_minus' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_minus(availability.listing_set, availability.listing_set) IS
    'implementation of - operator';

CREATE OPERATOR availability.- (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_minus
);
COMMENT ON OPERATOR availability.- (availability.listing_set, availability.listing_set) IS 'the listings of the left set that are not in the right one';

CREATE FUNCTION availability.listing_set_intersect(availability.listing_set, availability.listing_set) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_intersect' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_intersect(availability.listing_set, availability.listing_set) IS
    'implementation of * operator';

CREATE OPERATOR availability.* (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_intersect,
    COMMUTATOR = OPERATOR(availability.*)
);
COMMENT ON OPERATOR availability.* (availability.listing_set, availability.listing_set) IS 'the listings of both sets';

-- Equality, and an order: smaller sets first.

CREATE FUNCTION availability.listing_set_eq(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_eq' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_eq(availability.listing_set, availability.listing_set) IS
    'implementation of = operator';

CREATE FUNCTION availability.listing_set_ne(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_ne' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_ne(availability.listing_set, availability.listing_set) IS
    'implementation of <> operator';

CREATE FUNCTION availability.listing_set_lt(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_lt' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_lt(availability.listing_set, availability.listing_set) IS
    'implementation of < operator';

CREATE FUNCTION availability.listing_set_le(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_le' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_le(availability.listing_set, availability.listing_set) IS
    'implementation of <= operator';

CREATE FUNCTION availability.listing_set_gt(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_gt' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_gt(availability.listing_set, availability.listing_set) IS
    'implementation of > operator';

CREATE FUNCTION availability.listing_set_ge(availability.listing_set, availability.listing_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_listing_set_ge' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_ge(availability.listing_set, availability.listing_set) IS
    'implementation of >= operator';

CREATE OPERATOR availability.= (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_eq,
    COMMUTATOR = OPERATOR(availability.=),
    NEGATOR = OPERATOR(availability.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR availability.= (availability.listing_set, availability.listing_set) IS 'equal';

CREATE OPERATOR availability.<> (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_ne,
    COMMUTATOR = OPERATOR(availability.<>),
    NEGATOR = OPERATOR(availability.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR availability.<> (availability.listing_set, availability.listing_set) IS 'not equal';

CREATE OPERATOR availability.< (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_lt,
    COMMUTATOR = OPERATOR(availability.>),
    NEGATOR = OPERATOR(availability.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR availability.< (availability.listing_set, availability.listing_set) IS 'less than';

CREATE OPERATOR availability.<= (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_le,
    COMMUTATOR = OPERATOR(availability.>=),
    NEGATOR = OPERATOR(availability.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR availability.<= (availability.listing_set, availability.listing_set) IS 'less than or equal to';

CREATE OPERATOR availability.> (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_gt,
    COMMUTATOR = OPERATOR(availability.<),
    NEGATOR = OPERATOR(availability.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR availability.> (availability.listing_set, availability.listing_set) IS 'greater than';

CREATE OPERATOR availability.>= (
    LEFTARG = availability.listing_set, RIGHTARG = availability.listing_set,
    FUNCTION = availability.listing_set_ge,
    COMMUTATOR = OPERATOR(availability.<=),
    NEGATOR = OPERATOR(availability.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR availability.>= (availability.listing_set, availability.listing_set) IS 'greater than or equal to';

CREATE FUNCTION availability.listing_set_cmp(availability.listing_set, availability.listing_set) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_listing_set_cmp' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_cmp(availability.listing_set, availability.listing_set) IS
    'less-equal-greater of two sets of listings';

CREATE FUNCTION availability.listing_set_hash(availability.listing_set) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_listing_set_hash' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_hash(availability.listing_set) IS
    'hash of a set of listings';

CREATE FUNCTION availability.listing_set_hash_extended(availability.listing_set, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_listing_set_hash_extended' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_hash_extended(availability.listing_set, bigint) IS
    'hash of a set of listings with a seed';

CREATE OPERATOR FAMILY availability.listing_set_ops USING btree;
COMMENT ON OPERATOR FAMILY availability.listing_set_ops USING btree IS 'order of sets of listings';
CREATE OPERATOR CLASS availability.listing_set_ops DEFAULT FOR TYPE availability.listing_set USING btree
    FAMILY availability.listing_set_ops AS
    OPERATOR 1 availability.<,
    OPERATOR 2 availability.<=,
    OPERATOR 3 availability.=,
    OPERATOR 4 availability.>=,
    OPERATOR 5 availability.>,
    FUNCTION 1 availability.listing_set_cmp(availability.listing_set, availability.listing_set),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS availability.listing_set_ops USING btree IS 'order of sets of listings';

CREATE OPERATOR FAMILY availability.listing_set_ops USING hash;
COMMENT ON OPERATOR FAMILY availability.listing_set_ops USING hash IS 'equality of sets of listings';
CREATE OPERATOR CLASS availability.listing_set_ops DEFAULT FOR TYPE availability.listing_set USING hash
    FAMILY availability.listing_set_ops AS
    OPERATOR 1 availability.=,
    FUNCTION 1 availability.listing_set_hash(availability.listing_set),
    FUNCTION 2 availability.listing_set_hash_extended(availability.listing_set, bigint);
COMMENT ON OPERATOR CLASS availability.listing_set_ops USING hash IS 'equality of sets of listings';

-- Aggregates. Each skips NULL and is NULL over no rows. A state takes at most 8 kB for each 65,536 ordinals that it reaches into.

CREATE FUNCTION availability.listing_set_agg_transition(internal, integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_agg' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_agg_transition(internal, integer) IS
    'transition function of listing_set_agg';

CREATE FUNCTION availability.union_agg_transition(internal, availability.listing_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_union_agg' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.union_agg_transition(internal, availability.listing_set) IS
    'transition function of union_agg';

CREATE FUNCTION availability.intersect_agg_transition(internal, availability.listing_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_intersect_agg' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.intersect_agg_transition(internal, availability.listing_set) IS
    'transition function of intersect_agg';

CREATE FUNCTION availability.listing_set_union_agg_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_union_agg_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_union_agg_combine(internal, internal) IS
    'combine function of listing_set_agg and union_agg';

CREATE FUNCTION availability.listing_set_intersect_agg_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_intersect_agg_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_intersect_agg_combine(internal, internal) IS
    'combine function of intersect_agg';

CREATE FUNCTION availability.listing_set_agg_final(internal) RETURNS availability.listing_set
    AS 'MODULE_PATHNAME', 'availability_listing_set_agg_final' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_agg_final(internal) IS
    'final function of the aggregates of sets of listings';

CREATE FUNCTION availability.listing_set_agg_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'availability_listing_set_agg_serialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_agg_serialize(internal) IS
    'serialization function of the aggregates of sets of listings';

CREATE FUNCTION availability.listing_set_agg_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_listing_set_agg_deserialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.listing_set_agg_deserialize(bytea, internal) IS
    'deserialization function of the aggregates of sets of listings';

CREATE AGGREGATE availability.listing_set_agg(integer) (
    SFUNC = availability.listing_set_agg_transition,
    STYPE = internal,
    SSPACE = 8192,
    FINALFUNC = availability.listing_set_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.listing_set_union_agg_combine,
    SERIALFUNC = availability.listing_set_agg_serialize,
    DESERIALFUNC = availability.listing_set_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.listing_set_agg(integer) IS
    'the listings with these ordinals as one set; NULL over no rows';

CREATE AGGREGATE availability.union_agg(availability.listing_set) (
    SFUNC = availability.union_agg_transition,
    STYPE = internal,
    SSPACE = 8192,
    FINALFUNC = availability.listing_set_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.listing_set_union_agg_combine,
    SERIALFUNC = availability.listing_set_agg_serialize,
    DESERIALFUNC = availability.listing_set_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.union_agg(availability.listing_set) IS
    'the listings of any of the sets; NULL over no rows';

CREATE AGGREGATE availability.intersect_agg(availability.listing_set) (
    SFUNC = availability.intersect_agg_transition,
    STYPE = internal,
    SSPACE = 8192,
    FINALFUNC = availability.listing_set_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.listing_set_intersect_agg_combine,
    SERIALFUNC = availability.listing_set_agg_serialize,
    DESERIALFUNC = availability.listing_set_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.intersect_agg(availability.listing_set) IS
    'the listings of all of the sets; NULL over no rows';

-- Set search: which of all listings are free.

CREATE FUNCTION availability.calendar_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_calendar_changed';
COMMENT ON FUNCTION availability.calendar_changed() IS
    'trigger of calendars with set search: tells the delta which of them changed';

CREATE FUNCTION availability.index_sets(reservations regclass, fill boolean DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_index_sets';
COMMENT ON FUNCTION availability.index_sets(regclass, boolean) IS
    'gives a tracked table sets by day, for searches among all its listings; fill => false leaves it to availability.fold to fill them';

CREATE FUNCTION availability.unindex_sets(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_unindex_sets';
COMMENT ON FUNCTION availability.unindex_sets(regclass) IS
    'drops the sets of a tracked table';

CREATE FUNCTION availability.fold(reservations regclass, most integer DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_fold';
COMMENT ON FUNCTION availability.fold(regclass, integer) IS
    'writes the listings that changed, or at most so many of them, into the sets, and drops days that are past; returns how many it wrote';

CREATE FUNCTION availability.verify_sets(
    reservations regclass,
    OUT kind text, OUT listing text, OUT day date, OUT reservation text, OUT detail text
) RETURNS SETOF record
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'availability_verify_sets';
COMMENT ON FUNCTION availability.verify_sets(regclass) IS
    'every listing that a search of the sets would be wrong about; part of availability.verify';

CREATE FUNCTION availability.repair_sets(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_repair_sets';
COMMENT ON FUNCTION availability.repair_sets(regclass) IS
    'mends the sets of a tracked table by its calendars; part of availability.repair';

CREATE FUNCTION availability.search_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_search_support' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.search_support(internal) IS 'planner support of the searches';

CREATE FUNCTION availability.free_set(reservations regclass, stay daterange) RETURNS availability.listing_set
    LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_set';
COMMENT ON FUNCTION availability.free_set(regclass, daterange) IS
    'the listings that are free for a stay';

CREATE FUNCTION availability.free_set(reservations regclass, within daterange, nights integer) RETURNS availability.listing_set
    LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_set_within';
COMMENT ON FUNCTION availability.free_set(regclass, daterange, integer) IS
    'the listings that are free for any stay of so many nights within a range';

CREATE FUNCTION availability.count_free(
    reservations regclass, stay daterange, among availability.listing_set DEFAULT NULL
) RETURNS bigint
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_count_free';
COMMENT ON FUNCTION availability.count_free(regclass, daterange, availability.listing_set) IS
    'how many listings, of all or of a set, are free for a stay';

CREATE FUNCTION availability.free_listings(
    reservations regclass, stay daterange, among availability.listing_set DEFAULT NULL, listing anyelement DEFAULT NULL::bigint
) RETURNS SETOF anyelement
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1000 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_listings';
COMMENT ON FUNCTION availability.free_listings(regclass, daterange, availability.listing_set, anyelement) IS
    'the keys of the listings, of all or of a set, that are free for a stay; of another type than bigint with listing => NULL::type';

CREATE FUNCTION availability.best_starts(
    reservations regclass, within daterange, nights integer, among availability.listing_set DEFAULT NULL,
    OUT check_in date, OUT free bigint
) RETURNS SETOF record
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 30 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_best_starts';
COMMENT ON FUNCTION availability.best_starts(regclass, daterange, integer, availability.listing_set) IS
    'for each stay of so many nights within a range, by its check-in: how many listings, of all or of a set, are free';

CREATE FUNCTION availability.calendar_heat(
    reservations regclass, within daterange, among availability.listing_set DEFAULT NULL,
    OUT day date, OUT open bigint
) RETURNS SETOF record
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 365 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_calendar_heat';
COMMENT ON FUNCTION availability.calendar_heat(regclass, daterange, availability.listing_set) IS
    'for each day of a range: how many listings, of all or of a set, are open';

-- verify compares listings by the digests of their days.
CREATE FUNCTION availability.days_digest(days availability.dayset, seed bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_days_digest_dayset' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.days_digest(availability.dayset, bigint) IS
    'a number that tells sets of days apart; bit_xor() of parts that share no day gives that of the whole';

CREATE FUNCTION availability.days_digest(days daterange, seed bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_days_digest_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.days_digest(daterange, bigint) IS
    'the digest of the supported days of a range';

CREATE FUNCTION availability.days_digest(day date, seed bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_days_digest_day' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.days_digest(date, bigint) IS
    'the digest of one day; 0 if it is not a supported one';

-- What is wrong with the server and the tracked tables, one row a finding, with the exact line that mends it.
CREATE OR REPLACE FUNCTION availability.doctor(OUT subject text, OUT finding text, OUT remedy text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000 ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- not for everybody to see
    plugins text := CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('output_plugin_libraries', true) END;
BEGIN
    IF current_setting('wal_level') <> 'logical' THEN
        RETURN QUERY SELECT 'wal_level', format('is %s: no slot can be made', current_setting('wal_level')),
            'ALTER SYSTEM SET wal_level = ''logical'';  -- then restart the server';
    END IF;
    IF plugins IS NOT NULL AND NOT 'availability_decoder' = ANY (regexp_split_to_array(
           translate(plugins, '"', ''), '\s*,\s*')) THEN
        RETURN QUERY SELECT 'output_plugin_libraries', 'does not list availability_decoder: no slot can use it',
            format('ALTER SYSTEM SET output_plugin_libraries = %s;  -- then SELECT pg_reload_conf();',
                   concat_ws(', ', nullif(plugins, ''), 'availability_decoder'));
    END IF;

    RETURN QUERY
        SELECT format('slot %s', s.slot_name),
            CASE WHEN s.wal_status = 'lost' THEN 'has lost WAL that its consumer needed: start it anew'
                 ELSE format('has no consumer and holds %s of WAL',
                             pg_size_pretty(pg_wal_lsn_diff(h.lsn, s.restart_lsn))) END,
            format('SELECT pg_drop_replication_slot(%L);', s.slot_name)
        FROM pg_replication_slots s
            CROSS JOIN LATERAL (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                            ELSE pg_current_wal_lsn() END AS lsn) h
        WHERE s.plugin = 'availability_decoder'
            AND (s.wal_status = 'lost'
                 OR NOT s.active AND pg_wal_lsn_diff(h.lsn, s.restart_lsn) > 1024 * 1024 * 1024::numeric);
    RETURN QUERY
        SELECT 'max_slot_wal_keep_size', 'is unlimited: a slot without a consumer can fill the disk',
            'ALTER SYSTEM SET max_slot_wal_keep_size = ''64GB'';  -- then SELECT pg_reload_conf();'
        WHERE current_setting('max_slot_wal_keep_size') = '-1'
            AND EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'availability_decoder');

    RETURN QUERY
        SELECT 'extension availability',
            format('is at version %s while the installed library has %s', e.extversion, a.default_version),
            'ALTER EXTENSION availability UPDATE;'
        FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
        WHERE e.extname = 'availability' AND e.extversion <> a.default_version;

    -- A regclass of a table that is gone prints as its number.
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'was dropped; its settings, and perhaps companions, are left',
            format('SELECT availability.untrack(%s::oid::regclass);', t.reservations::oid)
        FROM availability.tracked t
        WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations),
            'its settings name other objects than its companions: untrack leaves those as they are',
            format('SELECT availability.untrack(%L);', t.reservations)
        FROM availability.tracked t
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = t.reservations)
            AND EXISTS (SELECT FROM pg_class WHERE oid = t.claims)
            AND NOT EXISTS (SELECT FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                            WHERE r.ev_class = t.claims AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), format('its companion %s is gone', c.kind),
            CASE WHEN c.kind IN ('month', 'open') THEN format('SELECT availability.retrack(%L);', t.reservations)
                 WHEN c.kind IN ('set', 'delta')
                     THEN format('SELECT availability.unindex_sets(%L);  -- then availability.index_sets again', t.reservations)
                 ELSE format('SELECT availability.untrack(%L);  -- then availability.track again', t.reservations) END
        FROM availability.tracked t
            CROSS JOIN LATERAL (VALUES ('calendar', t.calendar), ('day', t.day), ('month', t.month_view),
                                       ('open', t.open_view), ('claims', t.claims), ('hold', t.hold),
                                       ('request', t.request), ('set', t.sets), ('delta', t.delta)) c (kind, relation)
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = t.reservations)
            AND c.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = c.relation);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'its companion cancel is gone: nothing can be cancelled by a function',
            format('SELECT availability.retrack(%L, cancel => %L);', t.reservations, t.cancel)
        FROM availability.tracked t JOIN pg_class r ON r.oid = t.reservations JOIN pg_class k ON k.oid = t.calendar
        WHERE t.cancel IS NOT NULL
            AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                            WHERE p.prosqlbody IS NOT NULL AND p.prorettype = 'int4'::regtype AND p.proretset
                                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'is suspended: no row can be written',
            format('SELECT availability.retrack(%L);', t.reservations)
        FROM availability.tracked t JOIN pg_class c ON c.oid = t.claims AND c.relkind = 'v'
        WHERE NOT EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                          WHERE w.ev_class = c.oid AND d.refclassid = 'pg_class'::regclass
                              AND d.refobjid = t.reservations AND d.refobjsubid > 0);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations),
            format('has the child %s, whose rows claim no days', i.inhrelid::regclass),
            format('ALTER TABLE %s NO INHERIT %s;', i.inhrelid::regclass, t.reservations)
        FROM availability.tracked t JOIN pg_class c ON c.oid = t.reservations AND c.relkind = 'r'
            JOIN pg_inherits i ON i.inhparent = c.oid
        ORDER BY 2;

    -- What a restore brings without its settings, and what an earlier version left behind.
    RETURN QUERY
        SELECT format('table %s', c.oid::regclass),
            'has the triggers of a tracked table but no settings, as a restore without the extension''s data has: no row can be written',
            CASE WHEN v.reads_columns THEN format('SELECT availability.retrack(%L);', c.oid::regclass)
                 ELSE format('SELECT availability.untrack(%L);  -- then availability.track again', c.oid::regclass) END
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
            -- a table that was renamed keeps the names of its companions
            LEFT JOIN LATERAL (SELECT bool_or(d.refobjsubid > 0) AS reads_columns
                               FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
                               WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                                   AND v.relkind = 'v' AND v.relname LIKE '%\_claims'
                               GROUP BY v.oid, v.relname
                               ORDER BY v.relname <> c.relname || '_claims' LIMIT 1) v ON true
        WHERE g.tgfoid = 'availability.claim_changed()'::regprocedure AND g.tgparentid = 0
            AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.reservations = c.oid)
        ORDER BY 1;
    RETURN QUERY
        WITH calendars AS (
            SELECT k.oid, k.relname, k.relnamespace, k.relowner, left(k.relname, -length('_calendar')) AS prefix
            FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid
            WHERE k.relkind = 'r' AND k.relname LIKE '%\_calendar' AND NOT a.attisdropped
                AND a.attname IN ('listing_id', 'ordinal', 'version', 'change', 'reservation_id', 'stay', 'was')
                AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.calendar = k.oid)
            GROUP BY 1, 2, 3 HAVING count(*) = 7),
        leftovers AS (
            SELECT k.*, c.oid AS reservations,
                EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'availability.claim_changed()'::regprocedure) AS has_trigger,
                (SELECT string_agg(o.oid::regclass::text, ', ' ORDER BY o.relname)
                 FROM pg_class o
                     JOIN (VALUES ('_calendar', '{listing_id,ordinal,version,change,reservation_id,stay,was}'::name[]),
                                  ('_day', '{listing_id,day,reservation_id}'), ('_hold', '{hold_id,listing_id,stay,expires_at}'),
                                  ('_request', '{key,request,reservation_id,version,expires_at}'),
                                  ('_set', '{day,block,listings}'), ('_delta', '{version,ordinal,booked}')) s (ending, columns)
                         ON o.relname = k.prefix || s.ending
                 -- what anybody put under such a name beside it is not what he advises to drop
                 WHERE o.relnamespace = k.relnamespace AND o.relkind = 'r' AND o.relowner = k.relowner
                    AND (SELECT count(*) FROM pg_attribute a
                         WHERE a.attrelid = o.oid AND NOT a.attisdropped AND a.attname = ANY (s.columns)) = cardinality(s.columns)) AS tables
            FROM calendars k
                LEFT JOIN LATERAL (SELECT c.oid FROM pg_class c
                                   WHERE c.relkind IN ('r', 'p')
                                       AND (c.relnamespace = k.relnamespace AND c.relname = k.prefix
                                            OR EXISTS (SELECT FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
                                                           JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                                                       WHERE v.relnamespace = k.relnamespace AND v.relname = k.prefix || '_claims'
                                                           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid))
                                   ORDER BY c.relname <> k.prefix LIMIT 1) c ON true)
        SELECT CASE WHEN l.reservations IS NOT NULL THEN format('table %s', l.reservations::regclass)
                    ELSE format('companion %s', l.oid::regclass) END,
            CASE WHEN l.reservations IS NOT NULL THEN 'is not tracked; companions of an earlier tracking are left'
                 ELSE 'was left by a tracked table that is gone' END,
            CASE WHEN l.reservations IS NOT NULL THEN format('SELECT availability.untrack(%L);', l.reservations::regclass)
                 ELSE format('DROP TABLE %s CASCADE;', l.tables) END
        FROM leftovers l WHERE NOT l.has_trigger
        ORDER BY 1;
    RETURN QUERY
        SELECT format('table %s', g.tgrelid::regclass), format('trigger %I serves no tracked table', g.tgname),
            format('DROP TRIGGER %I ON %s;', g.tgname, g.tgrelid::regclass)
        FROM pg_trigger g
        WHERE g.tgfoid = 'availability.listing_changed()'::regprocedure AND g.tgparentid = 0
            AND NOT EXISTS (SELECT FROM availability.tracked t
                            WHERE t.listings = g.tgrelid
                                AND g.tgname IN (t.listings_trigger, regexp_replace(t.listings_trigger, 'listing$', 'truncate')::name,
                                                 regexp_replace(t.listings_trigger, 'listing$', 'rekey')::name))
            -- retrack adopts them
            AND NOT EXISTS (SELECT FROM pg_constraint f JOIN pg_trigger c ON c.tgrelid = f.conrelid
                            WHERE f.contype = 'f' AND f.confrelid = g.tgrelid
                                AND c.tgfoid = 'availability.claim_changed()'::regprocedure
                                AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.reservations = f.conrelid))
        ORDER BY 1, 2;
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass), format('belongs to another role than %s', t.reservations),
            format('ALTER TABLE %s OWNER TO %I;', c.oid::regclass, r.relowner::regrole::name)
        FROM availability.tracked t
            JOIN pg_class r ON r.oid = t.reservations
            JOIN pg_class c ON c.oid IN (t.calendar, t.day, t.month_view, t.open_view, t.claims, t.hold, t.request, t.sets, t.delta)
                AND c.relowner <> r.relowner
        ORDER BY 1;
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass),
            format('%s may write it: only the triggers should',
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END),
            format('REVOKE %s ON %s FROM %s;', a.privilege_type, c.oid::regclass,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM availability.tracked t
            JOIN pg_class c ON c.oid IN (t.calendar, t.day, t.hold, t.request, t.sets, t.delta)
            CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND a.grantee <> c.relowner
        ORDER BY 1, 2;

    RETURN QUERY
        SELECT format('table %s', w.relation),
            format('trigger %I is %s', w.name, CASE WHEN g.oid IS NULL THEN 'missing' ELSE 'disabled' END),
            format('SELECT availability.repair(%L);', w.reservations)
        FROM (SELECT t.reservations, p.relid AS relation, '_availability_claim'::name AS name
              FROM availability.tracked t
                  -- pg_partition_tree() would wait for whoever has locked a partition
                  CROSS JOIN LATERAL (WITH RECURSIVE tree AS (
                          SELECT t.reservations::oid AS relid
                          UNION SELECT i.inhrelid FROM tree JOIN pg_class c ON c.oid = tree.relid AND c.relkind = 'p'
                                    JOIN pg_inherits i ON i.inhparent = tree.relid)
                      SELECT relid::regclass FROM tree) p
              UNION ALL
              SELECT t.reservations, t.reservations, '_availability_truncate' FROM availability.tracked t
              UNION ALL
              SELECT t.reservations, t.listings, n FROM availability.tracked t
                  CROSS JOIN LATERAL unnest(ARRAY[t.listings_trigger,
                      regexp_replace(t.listings_trigger, 'listing$', 'truncate')::name,
                      regexp_replace(t.listings_trigger, 'listing$', 'rekey')::name]) n
              WHERE t.listings IS NOT NULL
              UNION ALL
              SELECT t.reservations, t.calendar, n FROM availability.tracked t
                  CROSS JOIN LATERAL unnest(ARRAY['_availability_sets', '_availability_sets_truncate']::name[]) n
              WHERE t.sets IS NOT NULL) w
            LEFT JOIN pg_trigger g ON g.tgrelid = w.relation AND g.tgname = w.name
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = w.relation)
            AND (g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A'))
        ORDER BY 1, 2;

    -- Searches read the delta row by row: 20,000 listings in it cost them a few milliseconds.
    RETURN QUERY
        SELECT format('table %s', t.reservations),
            format('%s changes of calendars wait to be written into the sets: searches get slower', n),
            format('SELECT availability.fold(%L);  -- or every minute by pg_cron', t.reservations)
        FROM availability.tracked t
            CROSS JOIN LATERAL pg_stat_get_live_tuples(t.delta) n
        WHERE n >= 20000
        ORDER BY 1;
    RETURN QUERY
        SELECT format('table %s', t.reservations), 'its sets are not filled: each search reads all calendars',
            format('SELECT availability.fold(%L);', t.reservations)
        FROM availability.tracked t
        -- nobody's lock keeps the others waiting
        WHERE CASE WHEN NOT EXISTS (SELECT FROM pg_locks l
                                    WHERE l.locktype = 'relation' AND l.relation = t.sets AND l.mode = 'AccessExclusiveLock'
                                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                        AND l.pid <> pg_backend_pid())
                   THEN pg_relation_size(t.sets) = 0 END
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION availability.doctor() IS
    'what is wrong with the server and the tracked tables: one row a finding, with the exact line that mends it';
