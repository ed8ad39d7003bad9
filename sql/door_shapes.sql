-- Companions belong to the owner of the table, who may be hostile: whatever shape he gives them, bookers get an answer or a
-- clear error, never a crash and never bytes of another type.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE ROLE regress_owner;
CREATE ROLE regress_booker;
CREATE ROLE regress_super SUPERUSER;
CREATE SCHEMA door_shapes;
CREATE SCHEMA door_elsewhere AUTHORIZATION regress_owner;
GRANT ALL ON SCHEMA door_shapes TO regress_owner;
GRANT USAGE ON SCHEMA door_shapes TO regress_booker;
SET search_path = door_shapes, availability;

SET ROLE regress_owner;
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('t');
CREATE TABLE u (id text PRIMARY KEY, listing_id text, stay daterange);
SELECT availability.track('u');
GRANT SELECT, INSERT, UPDATE, DELETE ON t, u TO regress_booker;
RESET ROLE;
INSERT INTO t (listing_id, stay) VALUES (1, '[2027-01-01,2027-01-05)');
INSERT INTO u VALUES ('r1', 'a', '[2027-01-01,2027-01-05)');
CREATE TABLE given AS SELECT
    (availability.book('t', 1, '[2027-02-01,2027-02-03)', 'key')).reservation_id,
    availability.hold('t', 1, '[2027-03-01,2027-03-03)') AS hold;
GRANT SELECT ON given TO regress_booker;

-- What a statement of a role answers after the owner did something, all of it undone.
CREATE FUNCTION answer_to(statement text, by_role name, alteration text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    told text;
BEGIN
    BEGIN
        SET LOCAL ROLE regress_owner;
        EXECUTE alteration;
        EXECUTE format('SET LOCAL ROLE %I', by_role);
        BEGIN
            EXECUTE statement;
            answer := 'done';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT, told = PG_EXCEPTION_DETAIL;
            answer := concat_ws(' ', SQLSTATE, answer || ':', told);
        END;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RESET ROLE;
    END;
    RETURN regexp_replace(answer, 'OID \d+', 'OID …');
END
$$;
CREATE FUNCTION booking_after(alteration text) RETURNS text LANGUAGE sql AS $$
    SELECT answer_to('INSERT INTO t (listing_id, stay) VALUES (1, ''[2027-01-05,2027-01-08)'')', 'regress_booker', alteration)
$$;
CREATE FUNCTION booking_of_text_after(alteration text) RETURNS text LANGUAGE sql AS $$
    SELECT answer_to('INSERT INTO u VALUES (''r2'', ''a'', ''[2027-01-05,2027-01-08)'')', 'regress_booker', alteration)
$$;
\pset format unaligned
\pset tuples_only on

-- The booker books after the owner changed the primary key of day rows, or of calendars.
SELECT booking_after('ALTER TABLE t_day ADD extra bigint, DROP CONSTRAINT t_day_pkey, ADD PRIMARY KEY (listing_id, day) INCLUDE (extra)');
SELECT booking_of_text_after('ALTER TABLE u_day ADD extra bigint, DROP CONSTRAINT u_day_pkey, ADD PRIMARY KEY (listing_id, day) INCLUDE (extra)');
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey, ADD PRIMARY KEY (listing_id, day) INCLUDE (reservation_id)');
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey, ADD PRIMARY KEY (day, listing_id)');
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey, ADD PRIMARY KEY (listing_id, day) DEFERRABLE');
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey, ADD extra int NOT NULL DEFAULT 1, ADD PRIMARY KEY (listing_id, day, extra)');
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey');
SELECT booking_after('ALTER TABLE t_calendar ADD extra text, DROP CONSTRAINT t_calendar_pkey, ADD PRIMARY KEY (listing_id) INCLUDE (extra)');
SELECT booking_after('ALTER TABLE t_calendar DROP CONSTRAINT t_calendar_pkey, ADD PRIMARY KEY (listing_id, version)');
SELECT booking_after('ALTER TABLE t_calendar DROP CONSTRAINT t_calendar_pkey');
-- columns; those of calendars once the views that read them are gone
SELECT column_name, booking_after(format('ALTER TABLE t_calendar DROP %I CASCADE', column_name))
FROM information_schema.columns WHERE table_schema = 'door_shapes' AND table_name = 't_calendar' ORDER BY ordinal_position;
SELECT column_name, booking_after(format('ALTER TABLE t_calendar RENAME %I TO was_%s', column_name, column_name))
FROM information_schema.columns WHERE table_schema = 'door_shapes' AND table_name = 't_calendar' ORDER BY ordinal_position;
SELECT c || ' ' || v, booking_after(format('DROP VIEW t_month, t_open; ALTER TABLE t_calendar ALTER %I TYPE %s', c, v)) FROM (VALUES
    ('listing_id', 'bigint'), ('booked', 'bytea USING booked::bytea'), ('booked', 'text'),
    ('version', 'text'), ('version', 'int USING 1'), ('change', 'varchar'), ('change', 'name'), ('reservation_id', 'text'),
    ('reservation_id', 'bigint'), ('stay', 'int USING 4242'), ('was', 'datemultirange USING NULL')) AS s (c, v);
SELECT c || ' ' || v, booking_after(format('ALTER TABLE t_day ALTER %I TYPE %s', c, v)) FROM (VALUES
    ('listing_id', 'bigint'), ('day', 'timestamp'), ('day', 'int USING day - date ''1970-01-01'''), ('reservation_id', 'text')) AS s (c, v);
SELECT booking_of_text_after('DROP VIEW u_month, u_open; ALTER TABLE u_calendar ALTER listing_id TYPE varchar(3)');
SELECT booking_of_text_after('DROP VIEW u_month, u_open; ALTER TABLE u_calendar ALTER listing_id TYPE text COLLATE "C"');
SELECT booking_of_text_after('ALTER TABLE u_day ALTER listing_id TYPE text COLLATE "C"');
SELECT booking_of_text_after('DROP VIEW u_month, u_open; ALTER TABLE u_calendar ALTER listing_id TYPE varchar');
SELECT booking_after('CREATE DOMAIN small AS int CHECK (VALUE < 3); ALTER TABLE t_calendar ALTER reservation_id TYPE small');
SELECT booking_after('ALTER TABLE t_calendar DROP stay, ADD stay daterange GENERATED ALWAYS AS (''empty''::daterange) STORED');
SELECT booking_after('ALTER TABLE t_calendar DROP was, ADD was daterange NOT NULL DEFAULT ''empty''');
SELECT booking_after('ALTER TABLE t_calendar ALTER booked DROP NOT NULL');
SELECT booking_after('ALTER TABLE t_calendar ALTER version DROP NOT NULL, ALTER version DROP DEFAULT');
-- Columns anew, in another order, are found by their names.
SELECT booking_after('ALTER TABLE t_day DROP CONSTRAINT t_day_pkey, DROP reservation_id, ADD extra int, ADD reservation_id int, ADD PRIMARY KEY (listing_id, day)');
SELECT booking_after('ALTER TABLE t_calendar DROP stay, DROP was, ADD extra bigint, ADD was daterange, ADD stay daterange');
-- what the table is
SELECT booking_after('ALTER TABLE t_calendar SET UNLOGGED');
SELECT booking_after('CREATE TABLE child () INHERITS (t_day)');
SELECT booking_after('CREATE TABLE parent (LIKE t_day); ALTER TABLE t_day INHERIT parent');
SELECT booking_after('CREATE TABLE parent (LIKE t_day) PARTITION BY RANGE (day); ALTER TABLE parent ATTACH PARTITION t_day FOR VALUES FROM (''2000-01-01'') TO (''2030-01-01'')');
SELECT booking_after('CREATE RULE nothing AS ON UPDATE TO t_calendar DO INSTEAD NOTHING');
SELECT booking_after('ALTER TABLE t_day RENAME TO was_day; CREATE TABLE t_day (listing_id text)');
SELECT booking_after('ALTER TABLE t_day SET SCHEMA door_elsewhere');
SELECT booking_after('DROP TABLE t_day');
SELECT booking_after('DROP TABLE t_calendar CASCADE');
SELECT booking_after('TRUNCATE t_calendar, t_day');
SELECT booking_after('ALTER TABLE t_calendar ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE t_day ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');

-- Holds, keys and their answers.
SELECT c || ' ' || v, answer_to(format('SELECT availability.confirm(''t'', %L)', hold), 'regress_booker', format('ALTER TABLE t_hold ALTER %I TYPE %s', c, v))
FROM given, (VALUES ('stay', 'int USING 4242'), ('listing_id', 'text'), ('listing_id', 'bigint'), ('hold_id', 'text'), ('expires_at', 'timestamp'), ('stay', 'tsrange USING ''empty''')) AS s (c, v);
SELECT answer_to(format('SELECT availability.confirm(''t'', %L)', hold), 'regress_booker', 'UPDATE t_hold SET stay = daterange(NULL, NULL)') FROM given;
SELECT answer_to(format('SELECT availability.confirm(''t'', %L)', hold), 'regress_booker', 'UPDATE t_hold SET stay = ''empty''') FROM given;
SELECT answer_to('SELECT availability.hold(''t'', 1, ''[2027-04-01,2027-04-03)'')', 'regress_booker', 'ALTER TABLE t_hold ALTER listing_id TYPE text');
SELECT c || ' ' || v, answer_to('SELECT availability.book(''t'', 1, ''[2027-02-01,2027-02-03)'', ''key'')', 'regress_booker', format('ALTER TABLE t_request ALTER %I TYPE %s', c, v))
FROM (VALUES ('reservation_id', 'int USING 4242'), ('version', 'text'), ('request', 'text USING ''x'''), ('expires_at', 'date'), ('key', 'text COLLATE "POSIX"')) AS s (c, v);

-- verify, by the owner and by a superuser
SELECT role, answer_to('SELECT count(kind || coalesce(listing, '''') || coalesce(day::text, '''')) FROM availability.verify(''t'')', role, alteration)
FROM (VALUES ('regress_owner'), ('regress_super')) AS roles (role), (VALUES ('ALTER TABLE t_day ALTER day TYPE timestamp'), ('DROP VIEW t_month, t_open; ALTER TABLE t_calendar ALTER booked TYPE text USING ''x''')) AS s (alteration);
\pset format aligned
\pset tuples_only off

SELECT * FROM availability.verify('t');
SELECT * FROM availability.verify('u');
DROP SCHEMA door_shapes, door_elsewhere CASCADE;
DROP ROLE regress_owner, regress_booker, regress_super;
