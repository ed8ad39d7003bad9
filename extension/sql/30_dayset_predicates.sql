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
