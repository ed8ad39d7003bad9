-- Every version that ever was: tables are tracked and booked under it, then it is upgraded. The catalog is that of a new installation, and
-- the tables work on, and get what is new.
SET client_min_messages = warning;
SELECT current_database() AS regression \gset
CREATE DATABASE regression_upgrade;
\c regression_upgrade
SET client_min_messages = warning;
CREATE FUNCTION catalog() RETURNS TABLE (object text) LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
        AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'availability'))
    SELECT concat_ws(' ', pg_describe_object(m.classid, m.objid, 0), coalesce(obj_description(m.objid, c.relname), ''), CASE m.classid
            WHEN 'pg_proc'::regclass THEN (SELECT CASE prokind WHEN 'a' THEN (SELECT (to_jsonb(a) - '{aggfnoid,aggtransfn,aggfinalfn,aggcombinefn,aggserialfn,aggdeserialfn,aggtranstype}'::text[])::text
                    FROM pg_aggregate a WHERE aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END || coalesce(proacl::text, '') || prosupport::text FROM pg_proc p WHERE p.oid = m.objid)
            WHEN 'pg_class'::regclass THEN (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)), E'\n' ORDER BY attnum)
                    FROM pg_attribute WHERE attrelid = m.objid AND attnum > 0)
            WHEN 'pg_operator'::regclass THEN (SELECT concat_ws(' ', oprcanmerge, oprcanhash, oprcom::regoperator, oprnegate::regoperator, oprcode, oprrest, oprjoin) FROM pg_operator WHERE oid = m.objid)
            WHEN 'pg_type'::regclass THEN (SELECT concat_ws(' ', typlen, typalign, typstorage, typinput, typoutput, typreceive, typsend, typanalyze) FROM pg_type WHERE oid = m.objid)
            WHEN 'pg_cast'::regclass THEN (SELECT concat_ws(' ', castfunc::regprocedure, castcontext, castmethod) FROM pg_cast WHERE oid = m.objid)
            END)
    FROM members m JOIN pg_class c ON c.oid = m.classid
    UNION ALL SELECT format('%s member %s', pg_describe_object('pg_opfamily'::regclass, amopfamily, 0), pg_describe_object('pg_amop'::regclass, oid, 0)) FROM pg_amop
        WHERE amopfamily IN (SELECT objid FROM members)
    UNION ALL SELECT format('%s member %s', pg_describe_object('pg_opfamily'::regclass, amprocfamily, 0), pg_describe_object('pg_amproc'::regclass, oid, 0)) FROM pg_amproc
        WHERE amprocfamily IN (SELECT objid FROM members)
    UNION ALL SELECT format('extension %s %s %s', extname, extversion, extconfig::regclass[]) FROM pg_extension WHERE extname = 'availability'
    UNION ALL SELECT 'schema ' || nspacl::text FROM pg_namespace WHERE nspname = 'availability';
$$;
-- What a statement is told: errors of an included file would name its path.
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    RETURN SQLERRM;
END $$;
CREATE EXTENSION availability;
CREATE TABLE installed AS SELECT object FROM catalog();
SELECT count(*) > 150 AS has_objects FROM installed;
DROP EXTENSION availability;

\getenv abs_srcdir PG_ABS_SRCDIR
\set upgrade_from :abs_srcdir '/sql/include/upgrade_from.sql'
\set version 0.1
\i :upgrade_from
\set version 0.2
\i :upgrade_from

-- A version that no line above names is not tested.
SELECT version AS untested FROM pg_available_extension_versions JOIN pg_available_extensions USING (name)
WHERE name = 'availability' AND version NOT IN ('0.1', '0.2', default_version);

-- Booking functions of 0.2 work on with the new library, and what they remember is known to those that replace them.
CREATE EXTENSION availability VERSION '0.2';
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
INSERT INTO listings VALUES (1), (2);
SELECT availability.track('reservations');
SELECT * FROM availability.book('reservations', 1::bigint, '[2027-07-01,2027-07-04)', 'bigint', '{"id": 11}'::jsonb) \gset old_
SELECT reservation_id, replayed
FROM availability.book('reservations', 1::text, '[2027-07-04,2027-07-05)', 'text', '{"id": 12}');
SELECT reservation_id FROM availability.move('reservations', 12, '[2027-07-06,2027-07-08)', 'moved');
SELECT reservation_id FROM availability.confirm('reservations',
    availability.hold('reservations', 2, '[2027-07-01,2027-07-04)', interval '1 hour'), '{"id": 13}');
SELECT availability.hold('reservations', 2, '[2027-07-08,2027-07-09)') AS hold \gset
SELECT availability.release(:'hold');
SELECT reservation_id FROM availability.cancel('reservations', 13, 'cancelled');
ALTER EXTENSION availability UPDATE;
SELECT object AS only_upgraded FROM catalog() EXCEPT SELECT object FROM installed;
SELECT object AS only_installed FROM installed EXCEPT SELECT object FROM catalog();
SELECT reservation_id, version = :old_version AS same, replayed
FROM availability.book('reservations', 1, daterange('2027-07-01', '2027-07-04'), 'bigint', '{"id": 11}');
SELECT reservation_id, replayed FROM availability.move('reservations', '12', '[2027-07-06,2027-07-07]', 'moved');
SELECT reservation_id, replayed FROM availability.cancel('reservations', 13, 'cancelled');
SELECT id, stay FROM reservations ORDER BY id;
SELECT count(*) FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

-- the schema is part of every name
ALTER EXTENSION availability SET SCHEMA public;
\c :regression
DROP DATABASE regression_upgrade;
