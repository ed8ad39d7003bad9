-- One month of a calendar. Any day of the month names it.

CREATE FUNCTION availability.month_bits(booked availability.dayset, month date) RETURNS bit
    AS 'MODULE_PATHNAME', 'availability_month_bits' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.month_bits(availability.dayset, date) IS
    'booked days of the month as bit(31); the leftmost bit is day 1';

CREATE FUNCTION availability.month_calendar(booked availability.dayset, month date) RETURNS text
    AS 'MODULE_PATHNAME', 'availability_month_calendar' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION availability.month_calendar(availability.dayset, date) IS
    'the month as a grid for a person to read; booked days stand in brackets';
