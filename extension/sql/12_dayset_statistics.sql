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
