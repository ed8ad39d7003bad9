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
