-- Set search: which of all listings are free.

CREATE FUNCTION availability.calendar_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_calendar_changed';
COMMENT ON FUNCTION availability.calendar_changed() IS
    'trigger of calendars with set search: tells the delta which of them changed';

CREATE FUNCTION availability.index_sets(reservations regclass, fill boolean DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_index_sets';
COMMENT ON FUNCTION availability.index_sets(regclass, boolean) IS
    'gives a tracked table sets by day, for searches among all its listings; fill => false leaves it to availability.fold to fill them';

CREATE FUNCTION availability.unindex_sets(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_unindex_sets';
COMMENT ON FUNCTION availability.unindex_sets(regclass) IS
    'drops the sets of a tracked table';

CREATE FUNCTION availability.fold(reservations regclass, most integer DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_fold';
COMMENT ON FUNCTION availability.fold(regclass, integer) IS
    'writes the listings that changed, or at most so many of them, into the sets, and drops days that are past; returns how many it wrote';

CREATE FUNCTION availability.verify_sets(
    reservations regclass,
    OUT kind text, OUT listing text, OUT day date, OUT reservation text, OUT detail text
) RETURNS SETOF record
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'availability_verify_sets';
COMMENT ON FUNCTION availability.verify_sets(regclass) IS
    'every listing that a search of the sets would be wrong about; part of availability.verify';

CREATE FUNCTION availability.repair_sets(reservations regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'availability_repair_sets';
COMMENT ON FUNCTION availability.repair_sets(regclass) IS
    'mends the sets of a tracked table by its calendars; part of availability.repair';

CREATE FUNCTION availability.search_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'availability_search_support' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.search_support(internal) IS 'planner support of the searches';

CREATE FUNCTION availability.free_set(reservations regclass, stay daterange) RETURNS availability.listing_set
    LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_set';
COMMENT ON FUNCTION availability.free_set(regclass, daterange) IS
    'the listings that are free for a stay';

CREATE FUNCTION availability.free_set(reservations regclass, within daterange, nights integer) RETURNS availability.listing_set
    LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_set_within';
COMMENT ON FUNCTION availability.free_set(regclass, daterange, integer) IS
    'the listings that are free for any stay of so many nights within a range';

CREATE FUNCTION availability.count_free(
    reservations regclass, stay daterange, among availability.listing_set DEFAULT NULL
) RETURNS bigint
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_count_free';
COMMENT ON FUNCTION availability.count_free(regclass, daterange, availability.listing_set) IS
    'how many listings, of all or of a set, are free for a stay';

CREATE FUNCTION availability.free_listings(
    reservations regclass, stay daterange, among availability.listing_set DEFAULT NULL, listing anyelement DEFAULT NULL::bigint
) RETURNS SETOF anyelement
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1000 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_free_listings';
COMMENT ON FUNCTION availability.free_listings(regclass, daterange, availability.listing_set, anyelement) IS
    'the keys of the listings, of all or of a set, that are free for a stay; of another type than bigint with listing => NULL::type';

CREATE FUNCTION availability.best_starts(
    reservations regclass, within daterange, nights integer, among availability.listing_set DEFAULT NULL,
    OUT check_in date, OUT free bigint
) RETURNS SETOF record
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 30 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_best_starts';
COMMENT ON FUNCTION availability.best_starts(regclass, daterange, integer, availability.listing_set) IS
    'for each stay of so many nights within a range, by its check-in: how many listings, of all or of a set, are free';

CREATE FUNCTION availability.calendar_heat(
    reservations regclass, within daterange, among availability.listing_set DEFAULT NULL,
    OUT day date, OUT open bigint
) RETURNS SETOF record
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 365 SUPPORT availability.search_support
    AS 'MODULE_PATHNAME', 'availability_calendar_heat';
COMMENT ON FUNCTION availability.calendar_heat(regclass, daterange, availability.listing_set) IS
    'for each day of a range: how many listings, of all or of a set, are open';
