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

CREATE FUNCTION availability.calendar_updated() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_calendar_updated';
COMMENT ON FUNCTION availability.calendar_updated() IS
    'trigger of calendars: an update by hand writes the whole calendar, for the decoder to read';

-- The life of the settings. A tracked table takes them and its companions along when it is dropped.

CREATE FUNCTION availability.tracked_written() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_tracked_written';
COMMENT ON FUNCTION availability.tracked_written() IS
    'row trigger of availability.tracked: ties companions to their table';
REVOKE EXECUTE ON FUNCTION availability.tracked_written() FROM PUBLIC;
CREATE TRIGGER tracked_written BEFORE INSERT OR UPDATE OR DELETE ON availability.tracked
    FOR EACH ROW EXECUTE FUNCTION availability.tracked_written();

CREATE FUNCTION availability.follow_drop(relations oid[]) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'availability_follow_drop';
COMMENT ON FUNCTION availability.follow_drop(oid[]) IS
    'drops the companions and settings of tracked tables that a command dropped; called by the event trigger alone';
REVOKE EXECUTE ON FUNCTION availability.follow_drop(oid[]) FROM PUBLIC;

-- Runs with every DROP of everybody: it reads two small lists, and goes on only where a tracked table is concerned. It
-- is not in C, so that nobody's DROP needs the library.
CREATE FUNCTION availability.dropped() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relations oid[] := ARRAY(SELECT o.objid FROM pg_event_trigger_dropped_objects() o
                             WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.objsubid = 0);
BEGIN
    IF EXISTS (SELECT FROM availability.tracked t
               WHERE t.reservations = ANY (relations) OR t.claims = ANY (relations) OR t.listings = ANY (relations)) THEN
        BEGIN
            PERFORM availability.follow_drop(relations);
        EXCEPTION WHEN undefined_file THEN
            RAISE WARNING 'the settings of a dropped table are left: the library of extension availability is missing';
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION availability.dropped() IS
    'event trigger: the settings and companions of a tracked table go with it';
REVOKE EXECUTE ON FUNCTION availability.dropped() FROM PUBLIC;
CREATE EVENT TRIGGER availability_dropped ON sql_drop EXECUTE FUNCTION availability.dropped();
COMMENT ON EVENT TRIGGER availability_dropped IS 'the settings and companions of a tracked table go with it';

-- Runs with every CREATE TABLE, CREATE SCHEMA and ALTER TABLE of everybody, as the one above. Only who owns a table can make it a parent.
CREATE FUNCTION availability.child_made() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    child regclass;
    parent regclass;
BEGIN
    SELECT i.inhrelid, i.inhparent INTO child, parent
    FROM pg_event_trigger_ddl_commands() d
        JOIN pg_inherits i ON i.inhrelid = d.objid
        JOIN availability.tracked t ON t.reservations = i.inhparent
        JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'r'
        JOIN pg_trigger g ON g.tgrelid = i.inhparent AND g.tgfoid = 'availability.claim_changed()'::regprocedure
    WHERE d.classid = 'pg_catalog.pg_class'::regclass
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table "%" can''t inherit from tracked table "%"', child, parent
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Its rows would claim no days: children run no triggers of their parent.',
                HINT = 'Partition the table instead.';
    END IF;
END
$$;
COMMENT ON FUNCTION availability.child_made() IS
    'event trigger: a tracked table has no children, whose rows would claim no days';
REVOKE EXECUTE ON FUNCTION availability.child_made() FROM PUBLIC;
CREATE EVENT TRIGGER availability_child_made ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'ALTER TABLE', 'ALTER FOREIGN TABLE')
    EXECUTE FUNCTION availability.child_made();
COMMENT ON EVENT TRIGGER availability_child_made IS 'a tracked table has no children, whose rows would claim no days';
