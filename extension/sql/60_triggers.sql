-- What the triggers call that availability.track makes on tables. Not for direct use.

CREATE FUNCTION availability.next_version(version bigint) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'availability_next_version';
COMMENT ON FUNCTION availability.next_version(bigint) IS
    'the version of a calendar that follows a given one: microseconds of the clock since 1970, or the next number';

CREATE FUNCTION availability.claim_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_claim_changed';
COMMENT ON FUNCTION availability.claim_changed() IS
    'row trigger of tracked tables: takes and releases the days that a changed row claims';

CREATE FUNCTION availability.reservations_truncated() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_reservations_truncated';
COMMENT ON FUNCTION availability.reservations_truncated() IS
    'truncate trigger of tracked tables: every calendar becomes {}';

CREATE FUNCTION availability.listing_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_listing_changed';
COMMENT ON FUNCTION availability.listing_changed() IS
    'trigger of tables of listings: a listing has a calendar as long as it lives';
