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

-- companions of the booking functions as 0.2 made them, with what was remembered and held
DROP EXTENSION availability;
CREATE EXTENSION availability VERSION '0.2';
ALTER TABLE reservations ADD COLUMN price numeric;
CREATE ROLE regress_upgrade_a;
CREATE ROLE regress_upgrade_b;
GRANT SELECT, INSERT, UPDATE, DELETE ON reservations TO regress_upgrade_a, regress_upgrade_b;
SELECT availability.track('reservations');
ALTER TABLE reservations_hold DROP COLUMN holder;
ALTER TABLE reservations_request DROP COLUMN booker, ADD PRIMARY KEY (key);
CREATE FUNCTION request(VARIADIC parts text[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256(convert_to(string_agg(octet_length(part) || ':' || part || ',', '' ORDER BY n), 'UTF8')) FROM unnest(parts) WITH ORDINALITY AS p (part, n)
$$;
INSERT INTO reservations VALUES (21, 1, '[2027-08-01,2027-08-04)'), (22, 1, '[2027-08-04,2027-08-06)'), (23, 1, '[2027-08-10,2027-08-12)');
INSERT INTO reservations_request VALUES ('booked', request('book', '1', '[2027-08-01,2027-08-04)', '{"id": 21, "price": 12.50}'), '21', 1, now() + interval '1 day'),
    ('moved', request('move', '22', '[2027-08-04,2027-08-06)'), '22', 2, now() + interval '1 day'), ('confirmed', request('confirm', '01a21237-e814-839e-999b-417a00004557', '{"id": 23}'), '23', 3, now() + interval '1 day'),
    ('expired', request('book', '1', '[2027-08-01,2027-08-04)', '{"id": 21}'), '21', 4, now() - interval '1 day');
INSERT INTO reservations_hold VALUES ('01a21237-e814-839e-999b-417affffffff', 1, '[2027-08-20,2027-08-22)', now() + interval '1 hour'), ('01a21237-e814-839e-999b-417afffffffe', 1, '[2027-08-22,2027-08-24)', now() + interval '1 hour');
SELECT availability.repair('reservations');
ALTER EXTENSION availability UPDATE;
SELECT object AS only_upgraded FROM catalog() EXCEPT SELECT object FROM installed;
SELECT object AS only_installed FROM installed EXCEPT SELECT object FROM catalog();
SELECT max_hold_ttl, max_stay, max_holds FROM availability.tracked;
SET ROLE regress_upgrade_a;
SELECT * FROM availability.book('reservations', 1, '[2027-08-01,2027-08-04)', 'booked', '{"price": 12.50, "id": 21}');
SELECT * FROM availability.move('reservations', 22, '[2027-08-04,2027-08-06)', 'moved');
SELECT * FROM availability.confirm('reservations', '01a21237-e814-839e-999b-417a00004557', '{"id": 23}', 'confirmed');
-- a key of nobody's refuses no request, and what is asked now is the role's own
SELECT reservation_id, replayed FROM availability.book('reservations', 2, '[2027-08-01,2027-08-04)', 'booked', '{"id": 24}');
SELECT reservation_id, replayed FROM availability.book('reservations', 2, '[2027-08-01,2027-08-04)', 'booked', '{"id": 24}');
SET ROLE regress_upgrade_b;
SELECT reservation_id, replayed FROM availability.book('reservations', 2, '[2027-09-01,2027-09-04)', 'booked', '{"id": 25}');
SELECT reservation_id, replayed FROM availability.cancel('reservations', 25, 'expired');
-- holds
SELECT availability.release('01a21237-e814-839e-999b-417affffffff');
SELECT availability.release('01a21237-e814-839e-999b-417affffffff', 'reservations');
SELECT reservation_id FROM availability.confirm('reservations', '01a21237-e814-839e-999b-417afffffffe', '{"id": 26}');
SELECT availability.release(availability.hold('reservations', 1, '[2027-08-20,2027-08-22)'));
RESET ROLE;
SELECT booker, key FROM reservations_request ORDER BY 1, 2;
SELECT count(*) FROM reservations_hold;
SELECT count(*) FROM availability.verify('reservations');
-- as those that are made now
CREATE FUNCTION shape(companion regclass) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(E'\n', (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attcollation::regcollation, attnotnull, pg_get_expr(adbin, adrelid)), ', ' ORDER BY attname)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = companion AND attnum > 0 AND NOT attisdropped),
        (SELECT string_agg(pg_get_indexdef(indexrelid), ', ' ORDER BY pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = companion))
$$;
SELECT shape('reservations_hold') AS hold, shape('reservations_request') AS request \gset upgraded_
SELECT availability.untrack('reservations'), availability.track('reservations');
SELECT shape('reservations_hold') = :'upgraded_hold' AS same_hold, shape('reservations_request') = :'upgraded_request' AS same_request;
SELECT availability.untrack('reservations');
REVOKE ALL ON reservations FROM regress_upgrade_a, regress_upgrade_b;
DROP ROLE regress_upgrade_a, regress_upgrade_b;

-- the schema is part of every name
ALTER EXTENSION availability SET SCHEMA public;
\c :regression
DROP DATABASE regression_upgrade;
