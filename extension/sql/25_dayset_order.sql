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
