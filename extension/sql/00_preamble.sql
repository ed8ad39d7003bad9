-- availability: installed by CREATE EXTENSION availability
\echo Use "CREATE EXTENSION availability" to load this file. \quit

-- The schema is part of the name of everything here. A schema that another role made beforehand and
-- owns could be filled with look-alikes, so it is refused.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                   WHERE n.nspname OPERATOR(pg_catalog.=) 'availability'
                     AND n.nspowner OPERATOR(pg_catalog.=) current_user::pg_catalog.regrole::pg_catalog.oid) THEN
        RAISE EXCEPTION 'schema "availability" belongs to another role'
            USING ERRCODE = 'duplicate_schema', HINT = 'Drop or rename it, then create the extension again.';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA availability TO PUBLIC;
