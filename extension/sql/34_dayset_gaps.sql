-- The open days between the booked ones.

CREATE FUNCTION availability.gaps(booked availability.dayset, within daterange, min_days integer DEFAULT 1) RETURNS SETOF daterange
    AS 'MODULE_PATHNAME', 'availability_gaps' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 8;
COMMENT ON FUNCTION availability.gaps(availability.dayset, daterange, integer) IS
    'maximal runs of at least min_days open days within the range, in ascending order';

CREATE FUNCTION availability.next_gap(booked availability.dayset, from_day date, days integer) RETURNS daterange
    AS 'MODULE_PATHNAME', 'availability_next_gap' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.next_gap(availability.dayset, date, integer) IS
    'first run of at least that many open days from the day on, as a whole; NULL when there is none';
