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
