-- availability: installed by CREATE EXTENSION availability
\echo Use "CREATE EXTENSION availability" to load this file. \quit

-- The schema is part of the name of everything here. One that somebody else made beforehand, and
-- owns, could be filled with look-alikes: refuse it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                   WHERE n.nspname OPERATOR(pg_catalog.=) 'availability'
                     AND n.nspowner OPERATOR(pg_catalog.=) current_user::pg_catalog.regrole::pg_catalog.oid) THEN
        RAISE EXCEPTION 'schema "availability" belongs to another role'
            USING ERRCODE = 'duplicate_schema', HINT = 'Drop or rename it, then create the extension again.';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA availability TO PUBLIC;
-- The type dayset: a set of days within 1970-01-01 to 2149-06-06, one Roaring container.

CREATE TYPE availability.dayset;

CREATE FUNCTION availability.dayset_in(cstring) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_in(cstring) IS
    'reads the text form of a day set';

CREATE FUNCTION availability.dayset_out(availability.dayset) RETURNS cstring
    AS 'MODULE_PATHNAME', 'availability_dayset_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_out(availability.dayset) IS
    'writes the text form of a day set';

CREATE FUNCTION availability.dayset_recv(internal) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_recv(internal) IS
    'reads the binary form of a day set, a portable Roaring bitmap';

CREATE FUNCTION availability.dayset_send(availability.dayset) RETURNS bytea
    AS 'MODULE_PATHNAME', 'availability_dayset_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_send(availability.dayset) IS
    'writes the binary form of a day set, a portable Roaring bitmap';

CREATE TYPE availability.dayset (
    INPUT = availability.dayset_in,
    OUTPUT = availability.dayset_out,
    RECEIVE = availability.dayset_recv,
    SEND = availability.dayset_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended,
    CATEGORY = 'U'
);
COMMENT ON TYPE availability.dayset IS
    'set of days from 1970-01-01 to 2149-06-06, such as {[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}';
-- What ANALYZE keeps of calendars, and what the planner estimates from it.

CREATE FUNCTION availability.dayset_typanalyze(internal) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_typanalyze' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_typanalyze(internal) IS
    'keeps a sample of calendars and the booked share of each day';
ALTER TYPE availability.dayset SET (ANALYZE = availability.dayset_typanalyze);

CREATE FUNCTION availability.dayset_sel(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'availability_dayset_sel' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_sel(internal, oid, internal, integer) IS
    'restriction selectivity of the operators of dayset';
CREATE FUNCTION availability.dayset_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
    AS 'MODULE_PATHNAME', 'availability_dayset_joinsel' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_joinsel(internal, oid, internal, smallint, internal) IS
    'join selectivity of the operators of dayset';

CREATE FUNCTION availability.booked_share(calendars regclass, OUT day date, OUT share real) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'availability_booked_share' LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 365;
COMMENT ON FUNCTION availability.booked_share(regclass) IS
    'of a table with a column of calendars, or a tracked one: the share of listings that have a day booked, as ANALYZE last saw it';

CREATE FUNCTION availability.stay_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_stay_support' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.stay_support(internal) IS 'planner support of is_available and is_booked';
CREATE FUNCTION availability.checked_stay(stay daterange) RETURNS daterange
    AS 'MODULE_PATHNAME', 'availability_checked_stay' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.checked_stay(daterange) IS
    'the stay itself, or the error that is_available and is_booked raise; part of their index conditions';
-- Casts of dayset. All are explicit: an implicit one would change what other people's queries mean.

CREATE FUNCTION availability.dayset(daterange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_from_daterange' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset(daterange) IS
    'the days of a range';
CREATE CAST (daterange AS availability.dayset) WITH FUNCTION availability.dayset(daterange);
COMMENT ON CAST (daterange AS availability.dayset) IS 'the days of the range; an unbounded one is an error';

CREATE FUNCTION availability.dayset(datemultirange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_from_datemultirange' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset(datemultirange) IS
    'the days of a multirange';
CREATE CAST (datemultirange AS availability.dayset) WITH FUNCTION availability.dayset(datemultirange);
COMMENT ON CAST (datemultirange AS availability.dayset) IS 'the days of the multirange; an unbounded one is an error';

CREATE FUNCTION availability.dayset(date[]) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_from_dates' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset(date[]) IS
    'the days of an array, in any order';
CREATE CAST (date[] AS availability.dayset) WITH FUNCTION availability.dayset(date[]);
COMMENT ON CAST (date[] AS availability.dayset) IS 'the days of the array, in any order; nulls are an error';

CREATE FUNCTION availability.dayset(bytea) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_from_bytea' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset(bytea) IS
    'the day set of a portable Roaring bitmap, validated';
CREATE CAST (bytea AS availability.dayset) WITH FUNCTION availability.dayset(bytea);
COMMENT ON CAST (bytea AS availability.dayset) IS 'the day set of a portable Roaring bitmap, validated and brought into canonical form';

CREATE FUNCTION availability.dayset_to_datemultirange(availability.dayset) RETURNS datemultirange
    AS 'MODULE_PATHNAME', 'availability_dayset_to_datemultirange' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_to_datemultirange(availability.dayset) IS
    'the maximal runs of days, as a multirange';
CREATE CAST (availability.dayset AS datemultirange) WITH FUNCTION availability.dayset_to_datemultirange(availability.dayset);
COMMENT ON CAST (availability.dayset AS datemultirange) IS 'the maximal runs of days, as a multirange';

CREATE FUNCTION availability.dayset_to_dates(availability.dayset) RETURNS date[]
    AS 'MODULE_PATHNAME', 'availability_dayset_to_dates' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_to_dates(availability.dayset) IS
    'the days in ascending order';
CREATE CAST (availability.dayset AS date[]) WITH FUNCTION availability.dayset_to_dates(availability.dayset);
COMMENT ON CAST (availability.dayset AS date[]) IS 'the days in ascending order';

CREATE FUNCTION availability.dayset_to_jsonb(availability.dayset) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'availability_dayset_to_jsonb' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_to_jsonb(availability.dayset) IS
    'the maximal runs of days, as an array of ["from", "to"] with the end exclusive';
CREATE CAST (availability.dayset AS jsonb) WITH FUNCTION availability.dayset_to_jsonb(availability.dayset);
COMMENT ON CAST (availability.dayset AS jsonb) IS 'the maximal runs of days, as an array of ["from", "to"] with the end exclusive';

-- The stored bytes are the bytea.
CREATE CAST (availability.dayset AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (availability.dayset AS bytea) IS 'the stored bytes, a portable Roaring bitmap';
-- The set operators of dayset. A dayset stands on the left of each: an operator with a built-in type there would
-- take part in the resolution of other people's queries.
--
-- A range on the right is declared anyrange and checked at run time to be a daterange. Declared as daterange it would
-- match exactly, and `'[2026-01-01,2026-01-05)' && stay` on a plain daterange would read the literal
-- as a dayset wherever availability is on the search path.

CREATE FUNCTION availability.dayset_contains(availability.dayset, date) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains_day' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, date) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = date,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, date) IS 'is the day in the set? An infinite or unsupported day is not';

CREATE FUNCTION availability.dayset_contains(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, anyrange) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, anyrange) IS 'are all days of the range in the set?';

CREATE FUNCTION availability.dayset_contains(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, availability.dayset) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, availability.dayset) IS 'are all days of the right set in the left one?';

CREATE FUNCTION availability.dayset_overlaps(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_overlaps_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_overlaps(availability.dayset, anyrange) IS
    'implementation of && operator';
CREATE FUNCTION availability.dayset_disjoint(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_disjoint_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_disjoint(availability.dayset, anyrange) IS
    'implementation of !&& operator';
CREATE OPERATOR availability.&& (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_overlaps,
    NEGATOR = OPERATOR(availability.!&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.&& (availability.dayset, anyrange) IS 'is any day of the range in the set?';

CREATE OPERATOR availability.!&& (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_disjoint,
    NEGATOR = OPERATOR(availability.&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.!&& (availability.dayset, anyrange) IS 'is no day of the range in the set?';

CREATE FUNCTION availability.dayset_overlaps(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_overlaps' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_overlaps(availability.dayset, availability.dayset) IS
    'implementation of && operator';
CREATE FUNCTION availability.dayset_disjoint(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_disjoint' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_disjoint(availability.dayset, availability.dayset) IS
    'implementation of !&& operator';
CREATE OPERATOR availability.&& (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_overlaps,
    COMMUTATOR = OPERATOR(availability.&&),
    NEGATOR = OPERATOR(availability.!&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.&& (availability.dayset, availability.dayset) IS 'have the sets a day in common?';

CREATE OPERATOR availability.!&& (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_disjoint,
    COMMUTATOR = OPERATOR(availability.!&&),
    NEGATOR = OPERATOR(availability.&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.!&& (availability.dayset, availability.dayset) IS 'have the sets no day in common?';

CREATE FUNCTION availability.dayset_union(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_union_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_union(availability.dayset, anyrange) IS
    'implementation of + operator';
CREATE OPERATOR availability.+ (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_union
);
COMMENT ON OPERATOR availability.+ (availability.dayset, anyrange) IS 'the set with the days of the range';

CREATE FUNCTION availability.dayset_union(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_union' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_union(availability.dayset, availability.dayset) IS
    'implementation of + operator';
CREATE OPERATOR availability.+ (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_union,
    COMMUTATOR = OPERATOR(availability.+)
);
COMMENT ON OPERATOR availability.+ (availability.dayset, availability.dayset) IS 'the days of either set';

CREATE FUNCTION availability.dayset_minus(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_minus_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_minus(availability.dayset, anyrange) IS
    'implementation of - operator';
CREATE OPERATOR availability.- (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_minus
);
COMMENT ON OPERATOR availability.- (availability.dayset, anyrange) IS 'the set without the days of the range';

CREATE FUNCTION availability.dayset_minus(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_minus' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_minus(availability.dayset, availability.dayset) IS
    'implementation of - operator';
CREATE OPERATOR availability.- (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_minus
);
COMMENT ON OPERATOR availability.- (availability.dayset, availability.dayset) IS 'the days of the left set that are not in the right one';

CREATE FUNCTION availability.dayset_intersect(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_intersect_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_intersect(availability.dayset, anyrange) IS
    'implementation of * operator';
CREATE OPERATOR availability.* (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_intersect
);
COMMENT ON OPERATOR availability.* (availability.dayset, anyrange) IS 'the days of the set that are in the range';

CREATE FUNCTION availability.dayset_intersect(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_intersect' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_intersect(availability.dayset, availability.dayset) IS
    'implementation of * operator';
CREATE OPERATOR availability.* (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_intersect,
    COMMUTATOR = OPERATOR(availability.*)
);
COMMENT ON OPERATOR availability.* (availability.dayset, availability.dayset) IS 'the days of both sets';
-- Equality, the btree order and the hash of dayset. The order is that of datemultirange.

CREATE FUNCTION availability.dayset_eq(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_eq' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_eq(availability.dayset, availability.dayset) IS
    'implementation of = operator';
CREATE FUNCTION availability.dayset_ne(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_ne' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_ne(availability.dayset, availability.dayset) IS
    'implementation of <> operator';
CREATE FUNCTION availability.dayset_lt(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_lt' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_lt(availability.dayset, availability.dayset) IS
    'implementation of < operator';
CREATE FUNCTION availability.dayset_le(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_le' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_le(availability.dayset, availability.dayset) IS
    'implementation of <= operator';
CREATE FUNCTION availability.dayset_gt(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_gt' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gt(availability.dayset, availability.dayset) IS
    'implementation of > operator';
CREATE FUNCTION availability.dayset_ge(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_ge' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_ge(availability.dayset, availability.dayset) IS
    'implementation of >= operator';

CREATE OPERATOR availability.= (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_eq,
    COMMUTATOR = OPERATOR(availability.=),
    NEGATOR = OPERATOR(availability.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR availability.= (availability.dayset, availability.dayset) IS 'equal to';

CREATE OPERATOR availability.<> (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_ne,
    COMMUTATOR = OPERATOR(availability.<>),
    NEGATOR = OPERATOR(availability.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR availability.<> (availability.dayset, availability.dayset) IS 'not equal to';

CREATE OPERATOR availability.< (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_lt,
    COMMUTATOR = OPERATOR(availability.>),
    NEGATOR = OPERATOR(availability.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR availability.< (availability.dayset, availability.dayset) IS 'less than';

CREATE OPERATOR availability.<= (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_le,
    COMMUTATOR = OPERATOR(availability.>=),
    NEGATOR = OPERATOR(availability.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR availability.<= (availability.dayset, availability.dayset) IS 'less than or equal to';

CREATE OPERATOR availability.> (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_gt,
    COMMUTATOR = OPERATOR(availability.<),
    NEGATOR = OPERATOR(availability.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR availability.> (availability.dayset, availability.dayset) IS 'greater than';

CREATE OPERATOR availability.>= (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_ge,
    COMMUTATOR = OPERATOR(availability.<=),
    NEGATOR = OPERATOR(availability.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR availability.>= (availability.dayset, availability.dayset) IS 'greater than or equal to';

CREATE FUNCTION availability.dayset_cmp(availability.dayset, availability.dayset) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_dayset_cmp' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_cmp(availability.dayset, availability.dayset) IS
    'less-equal-greater of two day sets';
CREATE FUNCTION availability.dayset_hash(availability.dayset) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_dayset_hash' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_hash(availability.dayset) IS
    'hash of a day set';
CREATE FUNCTION availability.dayset_hash_extended(availability.dayset, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'availability_dayset_hash_extended' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_hash_extended(availability.dayset, bigint) IS
    'hash of a day set with a seed';

CREATE OPERATOR FAMILY availability.dayset_ops USING btree;
COMMENT ON OPERATOR FAMILY availability.dayset_ops USING btree IS 'order of day sets';
CREATE OPERATOR CLASS availability.dayset_ops DEFAULT FOR TYPE availability.dayset USING btree
    FAMILY availability.dayset_ops AS
    OPERATOR 1 availability.<,
    OPERATOR 2 availability.<=,
    OPERATOR 3 availability.=,
    OPERATOR 4 availability.>=,
    OPERATOR 5 availability.>,
    FUNCTION 1 availability.dayset_cmp(availability.dayset, availability.dayset),
    -- Equal sets are equal bytes, so that equal keys can be stored once.
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS availability.dayset_ops USING btree IS 'order of day sets';

CREATE OPERATOR FAMILY availability.dayset_ops USING hash;
COMMENT ON OPERATOR FAMILY availability.dayset_ops USING hash IS 'equality of day sets';
CREATE OPERATOR CLASS availability.dayset_ops DEFAULT FOR TYPE availability.dayset USING hash
    FAMILY availability.dayset_ops AS
    OPERATOR 1 availability.=,
    FUNCTION 1 availability.dayset_hash(availability.dayset),
    FUNCTION 2 availability.dayset_hash_extended(availability.dayset, bigint);
COMMENT ON OPERATOR CLASS availability.dayset_ops USING hash IS 'equality of day sets';
-- Questions about one stay: an empty or unbounded stay, or one outside the supported days, is an error, never true.

CREATE FUNCTION availability.is_available(booked availability.dayset, stay daterange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_is_available' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT availability.stay_support;
COMMENT ON FUNCTION availability.is_available(availability.dayset, daterange) IS
    'is no day of the stay booked?';

CREATE FUNCTION availability.is_booked(booked availability.dayset, stay daterange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_is_booked' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT availability.stay_support;
COMMENT ON FUNCTION availability.is_booked(availability.dayset, daterange) IS
    'is any day of the stay booked?';
-- Measures of a calendar.

CREATE FUNCTION availability.booked_days(booked availability.dayset) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_booked_days' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.booked_days(availability.dayset) IS
    'number of booked days';

CREATE FUNCTION availability.booked_days(booked availability.dayset, within daterange) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_booked_days_within' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.booked_days(availability.dayset, daterange) IS
    'number of booked days within the range';

CREATE FUNCTION availability.open_days(booked availability.dayset, within daterange) RETURNS integer
    AS 'MODULE_PATHNAME', 'availability_open_days' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.open_days(availability.dayset, daterange) IS
    'number of open days within the range, whose days must all be supported';

CREATE FUNCTION availability.occupancy(booked availability.dayset, within daterange) RETURNS double precision
    AS 'MODULE_PATHNAME', 'availability_occupancy' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.occupancy(availability.dayset, daterange) IS
    'share of booked days within the range, 0 to 1; an empty range is an error';

CREATE FUNCTION availability.first_day(booked availability.dayset) RETURNS date
    AS 'MODULE_PATHNAME', 'availability_first_day' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.first_day(availability.dayset) IS
    'first booked day, NULL when there is none';

CREATE FUNCTION availability.last_day(booked availability.dayset) RETURNS date
    AS 'MODULE_PATHNAME', 'availability_last_day' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.last_day(availability.dayset) IS
    'last booked day, NULL when there is none';

CREATE FUNCTION availability.is_empty(booked availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_is_empty' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.is_empty(availability.dayset) IS
    'is no day booked?';
-- The open days between the booked ones.

CREATE FUNCTION availability.gaps(booked availability.dayset, within daterange, min_days integer DEFAULT 1) RETURNS SETOF daterange
    AS 'MODULE_PATHNAME', 'availability_gaps' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 8;
COMMENT ON FUNCTION availability.gaps(availability.dayset, daterange, integer) IS
    'maximal runs of at least min_days open days within the range, in ascending order';

CREATE FUNCTION availability.next_gap(booked availability.dayset, from_day date, days integer) RETURNS daterange
    AS 'MODULE_PATHNAME', 'availability_next_gap' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.next_gap(availability.dayset, date, integer) IS
    'first run of at least that many open days from the day on, as a whole; NULL when there is none';
-- One month of a calendar. Any day of the month names it.

CREATE FUNCTION availability.month_bits(booked availability.dayset, month date) RETURNS bit
    AS 'MODULE_PATHNAME', 'availability_month_bits' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.month_bits(availability.dayset, date) IS
    'booked days of the month as bit(31); the leftmost bit is day 1';

CREATE FUNCTION availability.month_calendar(booked availability.dayset, month date) RETURNS text
    AS 'MODULE_PATHNAME', 'availability_month_calendar' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION availability.month_calendar(availability.dayset, date) IS
    'the month as a grid for a person to read; booked days stand in brackets';
-- Aggregates: days, ranges and day sets into one day set. Each skips NULL and is NULL over no rows, as range_agg is.
-- A state takes a few hundred bytes, at most some 8 kB, nearly all of them on the C heap, which no work_mem counts: SSPACE
-- tells the planner.

CREATE FUNCTION availability.dayset_agg_transition(internal, date) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_agg_day' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_agg_transition(internal, date) IS
    'transition function of dayset_agg';
CREATE FUNCTION availability.dayset_agg_transition(internal, daterange) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_agg_range' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_agg_transition(internal, daterange) IS
    'transition function of dayset_agg';
CREATE FUNCTION availability.union_agg_transition(internal, availability.dayset) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_union_agg' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.union_agg_transition(internal, availability.dayset) IS
    'transition function of union_agg';
CREATE FUNCTION availability.intersect_agg_transition(internal, availability.dayset) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_intersect_agg' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.intersect_agg_transition(internal, availability.dayset) IS
    'transition function of intersect_agg';
CREATE FUNCTION availability.union_agg_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_union_agg_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.union_agg_combine(internal, internal) IS
    'combine function of dayset_agg and union_agg';
CREATE FUNCTION availability.intersect_agg_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_intersect_agg_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION availability.intersect_agg_combine(internal, internal) IS
    'combine function of intersect_agg';
CREATE FUNCTION availability.dayset_agg_final(internal) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_agg_final' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_agg_final(internal) IS
    'final function of the day set aggregates';
CREATE FUNCTION availability.dayset_agg_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'availability_dayset_agg_serialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_agg_serialize(internal) IS
    'serialization function of the day set aggregates';
CREATE FUNCTION availability.dayset_agg_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_agg_deserialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_agg_deserialize(bytea, internal) IS
    'deserialization function of the day set aggregates';

CREATE AGGREGATE availability.dayset_agg(date) (
    SFUNC = availability.dayset_agg_transition,
    STYPE = internal,
    SSPACE = 512,
    FINALFUNC = availability.dayset_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.union_agg_combine,
    SERIALFUNC = availability.dayset_agg_serialize,
    DESERIALFUNC = availability.dayset_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.dayset_agg(date) IS
    'the days as one day set; NULL over no rows';

CREATE AGGREGATE availability.dayset_agg(daterange) (
    SFUNC = availability.dayset_agg_transition,
    STYPE = internal,
    SSPACE = 512,
    FINALFUNC = availability.dayset_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.union_agg_combine,
    SERIALFUNC = availability.dayset_agg_serialize,
    DESERIALFUNC = availability.dayset_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.dayset_agg(daterange) IS
    'the days of the ranges as one day set; NULL over no rows';

CREATE AGGREGATE availability.union_agg(availability.dayset) (
    SFUNC = availability.union_agg_transition,
    STYPE = internal,
    SSPACE = 512,
    FINALFUNC = availability.dayset_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.union_agg_combine,
    SERIALFUNC = availability.dayset_agg_serialize,
    DESERIALFUNC = availability.dayset_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.union_agg(availability.dayset) IS
    'the days of any of the sets; NULL over no rows';

CREATE AGGREGATE availability.intersect_agg(availability.dayset) (
    SFUNC = availability.intersect_agg_transition,
    STYPE = internal,
    SSPACE = 512,
    FINALFUNC = availability.dayset_agg_final,
    FINALFUNC_MODIFY = read_only,
    COMBINEFUNC = availability.intersect_agg_combine,
    SERIALFUNC = availability.dayset_agg_serialize,
    DESERIALFUNC = availability.dayset_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE availability.intersect_agg(availability.dayset) IS
    'the days of all of the sets; NULL over no rows';
-- GiST: "booked in", "free in", "holds" and "equals" from an index, meant as a column beside a place or a market.

CREATE TYPE availability.dayset_key;

CREATE FUNCTION availability.dayset_key_in(cstring) RETURNS availability.dayset_key
    AS 'MODULE_PATHNAME', 'availability_dayset_key_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_key_in(cstring) IS 'I/O';
CREATE FUNCTION availability.dayset_key_out(availability.dayset_key) RETURNS cstring
    AS 'MODULE_PATHNAME', 'availability_dayset_key_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_key_out(availability.dayset_key) IS 'I/O';
-- Stored external: with a short header, never compressed, since pages of keys are read far more often than written.
CREATE TYPE availability.dayset_key (
    INPUT = availability.dayset_key_in,
    OUTPUT = availability.dayset_key_out,
    STORAGE = external
);
COMMENT ON TYPE availability.dayset_key IS
    'key of a GiST index over calendars: the days that any of them, and the days that all of them have';

CREATE FUNCTION availability.dayset_gist_consistent(internal, availability.dayset, smallint, oid, internal) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_consistent' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_consistent(internal, availability.dayset, smallint, oid, internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_union(internal, internal) RETURNS availability.dayset_key
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_union' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_union(internal, internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_compress(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_compress' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_compress(internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_penalty(internal, internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_penalty' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_penalty(internal, internal, internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_picksplit(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_picksplit' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_picksplit(internal, internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_same(availability.dayset_key, availability.dayset_key, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_same' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_same(availability.dayset_key, availability.dayset_key, internal) IS 'GiST support';
CREATE FUNCTION availability.dayset_gist_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'availability_dayset_gist_sortsupport' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_gist_sortsupport(internal) IS 'GiST support';

CREATE OPERATOR CLASS availability.dayset_ops DEFAULT FOR TYPE availability.dayset USING gist AS
    OPERATOR 1 availability.&& (availability.dayset, availability.dayset),
    OPERATOR 2 availability.&& (availability.dayset, anyrange),
    OPERATOR 3 availability.!&& (availability.dayset, availability.dayset),
    OPERATOR 4 availability.!&& (availability.dayset, anyrange),
    OPERATOR 5 availability.@> (availability.dayset, availability.dayset),
    OPERATOR 6 availability.@> (availability.dayset, anyrange),
    OPERATOR 7 availability.@> (availability.dayset, date),
    OPERATOR 8 availability.= (availability.dayset, availability.dayset),
    FUNCTION 1 availability.dayset_gist_consistent(internal, availability.dayset, smallint, oid, internal),
    FUNCTION 2 availability.dayset_gist_union(internal, internal),
    FUNCTION 3 availability.dayset_gist_compress(internal),
    FUNCTION 5 availability.dayset_gist_penalty(internal, internal, internal),
    FUNCTION 6 availability.dayset_gist_picksplit(internal, internal),
    FUNCTION 7 availability.dayset_gist_same(availability.dayset_key, availability.dayset_key, internal),
    FUNCTION 11 availability.dayset_gist_sortsupport(internal),
    STORAGE availability.dayset_key;
COMMENT ON OPERATOR CLASS availability.dayset_ops USING gist IS 'calendars by the days that they have booked and open';
COMMENT ON OPERATOR FAMILY availability.dayset_ops USING gist IS 'calendars by the days that they have booked and open';
-- The settings of tracked tables: written by availability.track and its companions alone, read by anybody.
-- extension/tracked.cpp reads the first ten columns by their place.
CREATE TABLE availability.tracked (
    reservations     regclass PRIMARY KEY,
    calendar         regclass NOT NULL,
    day              regclass,
    month_view       regclass NOT NULL,
    open_view        regclass NOT NULL,
    claims           regclass NOT NULL,
    claim            name     NOT NULL,
    listings         regclass,
    listings_trigger name,
    since            date,
    listing          text     NOT NULL,
    stay             text     NOT NULL,
    active           text     NOT NULL,
    key              text     NOT NULL,
    cancel           text
);
COMMENT ON TABLE availability.tracked IS 'one row a tracked table: its companions and the arguments of availability.track';
COMMENT ON COLUMN availability.tracked.reservations IS 'the tracked table';
COMMENT ON COLUMN availability.tracked.calendar IS 'companion: one calendar a listing';
COMMENT ON COLUMN availability.tracked.day IS 'companion: one row a booked day; NULL without day rows';
COMMENT ON COLUMN availability.tracked.month_view IS 'companion: month bitmaps';
COMMENT ON COLUMN availability.tracked.open_view IS 'companion: open gaps from today on';
COMMENT ON COLUMN availability.tracked.claims IS 'companion: the claims of all rows; its definition is what the triggers go by';
COMMENT ON COLUMN availability.tracked.claim IS 'companion: the function that gives the claim of a row, in the calendar''s schema';
COMMENT ON COLUMN availability.tracked.listings IS 'the table of listings; NULL when none is known';
COMMENT ON COLUMN availability.tracked.listings_trigger IS 'the trigger on the table of listings';
COMMENT ON COLUMN availability.tracked.since IS 'the horizon: days before it are not stored, checked or verified; NULL for none';
COMMENT ON COLUMN availability.tracked.listing IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.stay IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.active IS 'argument of track';
COMMENT ON COLUMN availability.tracked.key IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.cancel IS 'argument of track';

GRANT SELECT ON availability.tracked TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('availability.tracked', '');
-- What the triggers call. Made by availability.track on the tables; not for direct use.

CREATE FUNCTION availability.next_version(version bigint) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'availability_next_version';
COMMENT ON FUNCTION availability.next_version(bigint) IS
    'the version of a calendar that follows a given one: microseconds of the clock since 1970, or the next number';

CREATE FUNCTION availability.claim_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_claim_changed';
COMMENT ON FUNCTION availability.claim_changed() IS
    'row trigger of tracked tables: takes and releases the days that a changed row claims';

CREATE FUNCTION availability.reservations_truncated() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_reservations_truncated';
COMMENT ON FUNCTION availability.reservations_truncated() IS
    'truncate trigger of tracked tables: every calendar becomes {}';

CREATE FUNCTION availability.listing_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_listing_changed';
COMMENT ON FUNCTION availability.listing_changed() IS
    'trigger of tables of listings: a listing has a calendar as long as it lives';
-- Tracking a reservations table.

CREATE FUNCTION availability.track(
    reservations regclass,
    listing text DEFAULT 'listing_id',
    stay text DEFAULT NULL,
    active text DEFAULT 'true',
    key text DEFAULT NULL,
    listings regclass DEFAULT NULL,
    since date DEFAULT NULL,
    day_rows boolean DEFAULT true,
    cancel text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_track';
COMMENT ON FUNCTION availability.track(regclass, text, text, text, text, regclass, date, boolean, text) IS
    'keeps calendars of a table of reservations from now on, and refuses double bookings in it';

CREATE FUNCTION availability.untrack(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_untrack';
COMMENT ON FUNCTION availability.untrack(regclass) IS
    'drops companions, triggers and settings of a tracked table; its rows stay';

CREATE FUNCTION availability.verify(
    reservations regclass,
    OUT kind text, OUT listing text, OUT day date, OUT reservation text, OUT detail text
) RETURNS SETOF record
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'availability_verify';
COMMENT ON FUNCTION availability.verify(regclass) IS
    'every discrepancy between claims, day rows, calendars and listings of a tracked table, from one snapshot';

CREATE FUNCTION availability.repair(reservations regclass) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_repair';
COMMENT ON FUNCTION availability.repair(regclass) IS
    'mends the companions of a tracked table by its rows; returns how many discrepancies it found';

CREATE FUNCTION availability.forget(reservations regclass, before date) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_forget';
COMMENT ON FUNCTION availability.forget(regclass, date) IS
    'moves the horizon of a tracked table forward and drops earlier days; returns how many calendars changed';

CREATE FUNCTION availability.claim(reservation record) RETURNS record
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'availability_claim';
COMMENT ON FUNCTION availability.claim(record) IS
    'the claim of a row of a tracked table: listing, key, stay; what its companion <table>_claim calls';

-- Nights in the listing's own time zone. AT TIME ZONE knows every change of the clocks; a night that is
-- entered before late_arrival has begun on the day before.
CREATE FUNCTION availability.stay_days(
    check_in timestamptz, check_out timestamptz, time_zone text, late_arrival time DEFAULT '06:00'
) RETURNS daterange
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT daterange(
        (check_in AT TIME ZONE time_zone)::date
            - CASE WHEN (check_in AT TIME ZONE time_zone)::time < late_arrival THEN 1 ELSE 0 END,
        (check_out AT TIME ZONE time_zone)::date);
END;
COMMENT ON FUNCTION availability.stay_days(timestamptz, timestamptz, text, time) IS
    'the nights between two moments in a time zone, as a stay; an arrival before late_arrival belongs to the night before';
-- What is wrong with the server and the tracked tables, one row a finding, with the exact line that mends it.
CREATE FUNCTION availability.doctor(OUT subject text, OUT finding text, OUT remedy text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000 ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plugins text := current_setting('output_plugin_libraries', true);
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
        SELECT format('tracked table %s', t.reservations), 'was dropped with CASCADE; its companions are left',
            format('SELECT availability.untrack(%s::oid::regclass);', t.reservations::oid)
        FROM availability.tracked t
        WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), format('its companion %s is gone', c.kind),
            format('SELECT availability.untrack(%L);  -- then availability.track again', t.reservations)
        FROM availability.tracked t
            CROSS JOIN LATERAL (VALUES ('calendar', t.calendar), ('day', t.day), ('month', t.month_view),
                                       ('open', t.open_view), ('claims', t.claims)) c (kind, relation)
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = t.reservations)
            AND c.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = c.relation);
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass), format('belongs to another role than %s', t.reservations),
            format('ALTER TABLE %s OWNER TO %I;', c.oid::regclass, r.relowner::regrole::name)
        FROM availability.tracked t
            JOIN pg_class r ON r.oid = t.reservations
            JOIN pg_class c ON c.oid IN (t.calendar, t.day, t.month_view, t.open_view, t.claims) AND c.relowner <> r.relowner
        ORDER BY 1;
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass),
            format('%s may write it: only the triggers should',
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END),
            format('REVOKE %s ON %s FROM %s;', a.privilege_type, c.oid::regclass,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM availability.tracked t
            JOIN pg_class c ON c.oid IN (t.calendar, t.day)
            CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND a.grantee <> c.relowner
        ORDER BY 1, 2;

    RETURN QUERY
        SELECT format('table %s', w.relation),
            format('trigger %I is %s', w.name, CASE WHEN g.oid IS NULL THEN 'missing' ELSE 'disabled' END),
            format('SELECT availability.repair(%L);', w.reservations)
        FROM (SELECT t.reservations, p.relid AS relation, '_availability_claim'::name AS name
              FROM availability.tracked t
                  CROSS JOIN LATERAL (SELECT t.reservations AS relid
                                      UNION SELECT relid FROM pg_partition_tree(t.reservations)) p
              UNION ALL
              SELECT t.reservations, t.reservations, '_availability_truncate' FROM availability.tracked t
              UNION ALL
              SELECT t.reservations, t.listings, n FROM availability.tracked t
                  CROSS JOIN LATERAL unnest(ARRAY[t.listings_trigger,
                      regexp_replace(t.listings_trigger, 'listing$', 'truncate')::name]) n
              WHERE t.listings IS NOT NULL) w
            LEFT JOIN pg_trigger g ON g.tgrelid = w.relation AND g.tgname = w.name
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = w.relation)
            AND (g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A'))
        ORDER BY 1, 2;
END
$$;
COMMENT ON FUNCTION availability.doctor() IS
    'what is wrong with the server and the tracked tables: one row a finding, with the exact line that mends it';
