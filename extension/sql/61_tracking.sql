-- Tracking a reservations table.

CREATE FUNCTION availability.track(
    reservations regclass,
    listing text DEFAULT 'listing_id',
    stay text DEFAULT NULL,
    active text DEFAULT 'true',
    key text DEFAULT NULL,
    listings regclass DEFAULT NULL,
    since date DEFAULT NULL,
    day_rows boolean DEFAULT true,
    cancel text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_track';
COMMENT ON FUNCTION availability.track(regclass, text, text, text, text, regclass, date, boolean, text) IS
    'keeps calendars of a table of reservations from now on, and refuses double bookings in it';

CREATE FUNCTION availability.untrack(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_untrack';
COMMENT ON FUNCTION availability.untrack(regclass) IS
    'drops companions, triggers and settings of a tracked table; its rows stay';

CREATE FUNCTION availability.suspend(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_suspend';
COMMENT ON FUNCTION availability.suspend(regclass) IS
    'lets columns that a claim reads be altered or dropped; no row of the table can be written until retrack';

CREATE FUNCTION availability.retrack(
    reservations regclass,
    listing text DEFAULT NULL,
    stay text DEFAULT NULL,
    active text DEFAULT NULL,
    key text DEFAULT NULL,
    listings regclass DEFAULT NULL,
    cancel text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_retrack';
COMMENT ON FUNCTION availability.retrack(regclass, text, text, text, text, regclass, text) IS
    'tracks a table with the arguments given in place of those it has; companions stay, with all that was made on top of them';

CREATE FUNCTION availability.verify(
    reservations regclass,
    OUT kind text, OUT listing text, OUT day date, OUT reservation text, OUT detail text
) RETURNS SETOF record
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'availability_verify';
COMMENT ON FUNCTION availability.verify(regclass) IS
    'every discrepancy between claims, day rows, calendars and listings of a tracked table, from one snapshot';

CREATE FUNCTION availability.repair(reservations regclass) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_repair';
COMMENT ON FUNCTION availability.repair(regclass) IS
    'mends the companions of a tracked table by its rows; returns how many discrepancies it found';

CREATE FUNCTION availability.forget(reservations regclass, before date) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_forget';
COMMENT ON FUNCTION availability.forget(regclass, date) IS
    'moves the horizon of a tracked table forward and drops earlier days; returns how many calendars changed';

CREATE FUNCTION availability.set_day_rows(reservations regclass, day_rows boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_set_day_rows';
COMMENT ON FUNCTION availability.set_day_rows(regclass, boolean) IS
    'gives a tracked table day rows, or takes them away';

CREATE FUNCTION availability.claim(reservation record) RETURNS record
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'availability_claim';
COMMENT ON FUNCTION availability.claim(record) IS
    'the claim of a row of a tracked table: listing, key, stay; what its companion <table>_claim calls';

-- Nights in the listing's own time zone. AT TIME ZONE knows every change of the clocks. An arrival before
-- late_arrival belongs to the night that began the day before.
CREATE FUNCTION availability.stay_days(
    check_in timestamptz, check_out timestamptz, time_zone text, late_arrival time DEFAULT '06:00'
) RETURNS daterange
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT daterange(
        (check_in AT TIME ZONE time_zone)::date
            - CASE WHEN (check_in AT TIME ZONE time_zone)::time < late_arrival THEN 1 ELSE 0 END,
        (check_out AT TIME ZONE time_zone)::date);
END;
COMMENT ON FUNCTION availability.stay_days(timestamptz, timestamptz, text, time) IS
    'the nights between two moments in a time zone, as a stay; an arrival before late_arrival belongs to the night before';
