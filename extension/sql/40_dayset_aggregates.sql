-- Aggregates: days, ranges and day sets into one day set. Each skips NULL and is NULL over no rows, as range_agg is.
-- A state takes a few hundred bytes, at most some 8 kB. Nearly all of them are on the C heap, which work_mem does not
-- count; SSPACE tells the planner.

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
