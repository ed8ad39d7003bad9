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
