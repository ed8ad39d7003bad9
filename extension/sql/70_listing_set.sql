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
