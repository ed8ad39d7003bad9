-- Listings of every supported type: booked, refused, found again, verified.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_listing_types;
SET search_path = track_listing_types, public;
CREATE DOMAIN listing_number AS bigint CHECK (value > 0);
CREATE DOMAIN listing_code AS text COLLATE "C" NOT NULL;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Tracks a table of reservations of listings of the type; books both listings; tries a listing twice; moves; forgets one.
CREATE FUNCTION try_type(type text, a text, b text) RETURNS TABLE (step text, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE listings (id %s PRIMARY KEY)', type);
    EXECUTE format('CREATE TABLE reservations (id int PRIMARY KEY, listing_id %s REFERENCES listings ON DELETE CASCADE ON UPDATE CASCADE,
                    stay daterange)', type);
    EXECUTE format('INSERT INTO listings VALUES (%L)', a);
    EXECUTE format('INSERT INTO reservations VALUES (1, %L, ''[2026-01-01,2026-01-03)'')', a);
    PERFORM availability.track('reservations');
    RETURN QUERY SELECT 'column', format_type(atttypid, atttypmod) || coalesce(' ' || nullif(attcollation, 0)::regcollation, '')
        FROM pg_attribute WHERE attrelid = 'reservations_calendar'::regclass AND attname = 'listing_id';
    EXECUTE format('INSERT INTO listings VALUES (%L)', b);
    EXECUTE format('INSERT INTO reservations VALUES (2, %L, ''[2026-01-01,2026-01-03)'')', b);
    RETURN QUERY SELECT 'book twice', raised(format('INSERT INTO reservations VALUES (3, %L, ''[2026-01-02,2026-01-04)'')', a));
    RETURN QUERY SELECT 'move onto', raised(format('UPDATE reservations SET listing_id = %L WHERE id = 1', b));
    EXECUTE format('UPDATE reservations SET listing_id = %L, stay = ''[2026-01-03,2026-01-04)'' WHERE id = 1', b);
    RETURN QUERY EXECUTE 'SELECT ''calendar'', format(''%s %s'', listing_id, booked) FROM reservations_calendar ORDER BY listing_id';
    RETURN QUERY EXECUTE 'SELECT ''month'', format(''%s %s'', key, booked_days) FROM reservations_month ORDER BY listing_id';
    EXECUTE format('UPDATE listings SET id = %L WHERE id = %L', left(b, -1) || '9', b);
    EXECUTE format('DELETE FROM listings WHERE id = %L', a);
    RETURN QUERY EXECUTE 'SELECT ''day rows'', string_agg(format(''%s %s %s'', listing_id, day, reservation_id), '', '' ORDER BY day) FROM reservations_day';
    RETURN QUERY SELECT 'calendars', count(*)::text FROM reservations_calendar;
    DELETE FROM reservations_day;
    UPDATE reservations_calendar SET booked = '{}';
    RETURN QUERY SELECT 'broken', kind || coalesce(' ' || listing, '') FROM availability.verify('reservations') GROUP BY kind, listing ORDER BY 1, 2;
    PERFORM availability.repair('reservations');
    RETURN QUERY SELECT 'repaired', count(*)::text FROM availability.verify('reservations');
    PERFORM availability.untrack('reservations');
    DROP TABLE reservations, listings;
END
$$;

SELECT * FROM try_type('smallint', '7', '32000');
SELECT * FROM try_type('integer', '-1', '2147483630');
SELECT * FROM try_type('bigint', '1', '9223372036854775790');
SELECT * FROM try_type('listing_number', '1', '20');
SELECT * FROM try_type('uuid', '00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-ffff-ffff-fffffffffff0');
SELECT * FROM try_type('text', 'a b/{c}', 'ü''"%s');
SELECT * FROM try_type('varchar(20)', 'a', 'b0');
SELECT * FROM try_type('listing_code', 'A', 'a0');
SELECT * FROM try_type('text COLLATE any_case', 'Dune', 'Heath');

-- Under a collation that knows no case, DUNE and dune are one listing.
CREATE TABLE reservations (id int PRIMARY KEY, listing_id text COLLATE any_case, stay daterange);
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, 'Dune', '[2026-01-01,2026-01-03)');
INSERT INTO reservations VALUES (2, 'DUNE', '[2026-01-02,2026-01-04)');
INSERT INTO reservations VALUES (2, 'DUNE', '[2026-01-03,2026-01-04)');
UPDATE reservations SET listing_id = 'dune', stay = '[2026-01-01,2026-01-02)' WHERE id = 1;
SELECT listing_id, booked, change, stay, was FROM reservations_calendar;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations;

-- Keys of reservations, too: uuid, text with a collation of its own, and none.
CREATE TABLE reservations (id text COLLATE any_case PRIMARY KEY, listing_id int, stay daterange);
INSERT INTO reservations VALUES ('a', 1, '[2026-01-01,2026-01-03)');
SELECT availability.track('reservations');
INSERT INTO reservations VALUES ('b', 1, '[2026-01-03,2026-01-04)');
UPDATE reservations SET id = 'B' WHERE id = 'b';
SELECT day, reservation_id FROM reservations_day ORDER BY day;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
SELECT availability.track('reservations', key => $$nullif(id, 'a')$$);
SELECT day, reservation_id FROM reservations_day ORDER BY day;
DELETE FROM reservations WHERE id = 'a';
INSERT INTO reservations VALUES ('a', 1, '[2026-02-01,2026-02-02)');
SELECT day, reservation_id FROM reservations_day ORDER BY day;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations;

-- A listing column narrower than the key that it references.
CREATE TABLE listings (id bigint PRIMARY KEY);
CREATE TABLE reservations (id int PRIMARY KEY, listing_id smallint REFERENCES listings, stay daterange);
INSERT INTO listings VALUES (1);
SELECT availability.track('reservations');
INSERT INTO reservations VALUES (1, 1, '[2026-01-01,2026-01-03)');
SELECT raised('INSERT INTO reservations VALUES (2, 1, ''[2026-01-01,2026-01-03)'')');
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP TABLE reservations, listings;

-- Types that the decoder could not read.
SELECT type, raised(format('CREATE TABLE reservations (id int PRIMARY KEY, listing_id %s, stay daterange);
                            SELECT availability.track(''reservations'')', type))
FROM unnest('{numeric,char(3),"\"char\"",name,date,boolean,jsonb,int[],bytea,oid}'::text[]) WITH ORDINALITY AS t (type, n) ORDER BY n;
DROP SCHEMA track_listing_types CASCADE;
