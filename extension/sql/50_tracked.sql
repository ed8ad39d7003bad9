-- The settings of tracked tables: written by availability.track and its companions alone, read by anybody.
-- extension/tracking/settings.cpp reads the first ten columns, and those from cancel on, by their places.
CREATE TABLE availability.tracked (
    reservations     regclass PRIMARY KEY,
    calendar         regclass NOT NULL,
    day              regclass,
    month_view       regclass NOT NULL,
    open_view        regclass NOT NULL,
    claims           regclass NOT NULL,
    claim            name     NOT NULL,
    listings         regclass,
    listings_trigger name,
    since            date,
    listing          text     NOT NULL,
    stay             text     NOT NULL,
    active           text     NOT NULL,
    key              text     NOT NULL,
    cancel           text,
    hold             regclass,
    request          regclass,
    max_hold_ttl     interval DEFAULT '1 hour',
    max_stay         integer  DEFAULT 366,
    max_holds        integer  DEFAULT 100
);
COMMENT ON TABLE availability.tracked IS 'one row a tracked table: its companions and the arguments of availability.track';
COMMENT ON COLUMN availability.tracked.reservations IS 'the tracked table';
COMMENT ON COLUMN availability.tracked.calendar IS 'companion: one calendar a listing';
COMMENT ON COLUMN availability.tracked.day IS 'companion: one row a booked day; NULL without day rows';
COMMENT ON COLUMN availability.tracked.month_view IS 'companion: month bitmaps';
COMMENT ON COLUMN availability.tracked.open_view IS 'companion: open gaps from today on';
COMMENT ON COLUMN availability.tracked.claims IS 'companion: the claims of all rows; its definition is what the triggers go by';
COMMENT ON COLUMN availability.tracked.claim IS 'companion: the function that gives the claim of a row, in the calendar''s schema';
COMMENT ON COLUMN availability.tracked.listings IS 'the table of listings; NULL when none is known';
COMMENT ON COLUMN availability.tracked.listings_trigger IS 'the trigger on the table of listings';
COMMENT ON COLUMN availability.tracked.since IS 'the horizon: days before it are not stored, checked or verified; NULL for none';
COMMENT ON COLUMN availability.tracked.listing IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.stay IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.active IS 'argument of track';
COMMENT ON COLUMN availability.tracked.key IS 'argument of track, as it was given or found';
COMMENT ON COLUMN availability.tracked.cancel IS 'argument of track; what <table>_cancel does';
COMMENT ON COLUMN availability.tracked.hold IS 'companion: days that are held for a while; NULL until the first, for a table that was tracked under 0.1';
COMMENT ON COLUMN availability.tracked.request IS 'companion: idempotency keys and their answers; NULL as hold is';
COMMENT ON COLUMN availability.tracked.max_hold_ttl IS 'the longest time for which days may be held; NULL for any';
COMMENT ON COLUMN availability.tracked.max_stay IS 'the most days that one hold may take; NULL for any';
COMMENT ON COLUMN availability.tracked.max_holds IS 'the most holds that one role may have of one listing; NULL for any';

GRANT SELECT ON availability.tracked TO PUBLIC;
-- A row whose table is gone would be restored as numbers, which are other relations there.
SELECT pg_catalog.pg_extension_config_dump('availability.tracked',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) tracked.reservations)');
