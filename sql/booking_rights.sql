-- Who may book: whoever may write the table. The functions give no other right, and tell nobody else anything.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
\set VERBOSITY terse
CREATE SCHEMA booking_rights;
SET search_path = booking_rights;
CREATE ROLE regress_shop_owner;
CREATE ROLE regress_booker;
CREATE ROLE regress_inserter;
CREATE ROLE regress_nobody;
GRANT USAGE ON SCHEMA booking_rights TO PUBLIC;
GRANT CREATE ON SCHEMA booking_rights TO regress_shop_owner;
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID');
END
$$;

SET ROLE regress_shop_owner;
CREATE TABLE listings (id int PRIMARY KEY);
INSERT INTO listings SELECT generate_series(1, 9);
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, guest text, status text DEFAULT 'confirmed', secret text);
SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
GRANT SELECT, INSERT, UPDATE ON reservations TO regress_booker;
GRANT INSERT (listing_id, stay, guest) ON reservations TO regress_inserter;
RESET ROLE;

-- the booker needs the table alone
SET ROLE regress_booker;
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'key', '{"guest": "Ann"}');
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'key', '{"guest": "Ann"}');
SELECT reservation_id FROM availability.move('reservations', 1, '[2027-01-02,2027-01-04)');
SELECT reservation_id FROM availability.cancel('reservations', 1);
SELECT availability.hold('reservations', 2, '[2027-01-01,2027-01-03)') AS hold \gset
SELECT replayed FROM availability.confirm('reservations', :'hold', '{"guest": "Bob"}', 'confirmed');
SELECT availability.hold('reservations', 2, '[2027-02-01,2027-02-03)') AS hold \gset
SELECT availability.sweep('reservations'), availability.expire_keys();
SELECT state_of('TABLE reservations_' || t) FROM unnest(ARRAY['calendar', 'day', 'hold', 'request', 'month', 'open', 'claims']) AS t;
SELECT state_of('SELECT availability.set_day_rows(''reservations'', false)');
RESET ROLE;

-- the right to some columns is the right to those
SET ROLE regress_inserter;
SELECT availability.book('reservations', 3, '[2027-01-01,2027-01-03)', attributes => '{"guest": "Eve"}') IS NOT NULL AS booked;
SELECT state_of($$SELECT availability.book('reservations', 3, '[2027-02-01,2027-02-03)', attributes => '{"secret": "x"}')$$);
SELECT state_of($$SELECT availability.move('reservations', 2, '[2027-02-01,2027-02-03)')$$);
SELECT state_of($$SELECT availability.cancel('reservations', 2)$$);
RESET ROLE;

-- the one without rights learns nothing
SET ROLE regress_nobody;
SELECT state_of(s) FROM unnest(ARRAY[
    $$SELECT availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'key', '{"guest": "Ann"}')$$,
    $$SELECT availability.book('reservations', 2, '[2027-01-01,2027-01-03)')$$, $$SELECT availability.book('reservations', 99, '[2027-01-01,2027-01-03)', attributes => '{"guest": 1, "x": 1}')$$,
    $$SELECT availability.hold('reservations', 2, '[2027-01-01,2027-01-03)')$$, $$SELECT availability.cancel('reservations', 2)$$, $$SELECT availability.move('reservations', 2, '[2027-01-01,2027-01-03)')$$,
    $$SELECT availability.sweep('reservations')$$, $$SELECT availability.verify('reservations')$$, $$SELECT reservations_cancel(2)$$, $$SELECT * FROM availability.booked_share('reservations')$$]) AS s;
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'hold')), state_of(format($$SELECT availability.release(%L)$$, :'hold')),
    state_of(format($$SELECT availability.release(%L, 'reservations')$$, :'hold')), state_of($$SELECT availability.expire_keys('reservations')$$);
SELECT state_of($$SELECT availability.set_limits('reservations')$$);
RESET ROLE;
SELECT count(*) FROM reservations_hold;

-- row security decides over the rows that a function writes
SET ROLE regress_shop_owner;
ALTER TABLE reservations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON reservations USING (guest = 'Bob') WITH CHECK (guest = 'Bob');
RESET ROLE;
SET ROLE regress_booker;
SELECT state_of($$SELECT availability.book('reservations', 4, '[2027-01-01,2027-01-03)', attributes => '{"guest": "Eve"}')$$);
SELECT state_of($$SELECT availability.book('reservations', 4, '[2027-01-01,2027-01-03)', attributes => '{"guest": "Bob"}')$$);
SELECT state_of(format($$SELECT availability.confirm('reservations', %L, '{"guest": "Eve"}')$$, :'hold'));
SELECT state_of(format($$SELECT availability.cancel('reservations', %s)$$, id)) FROM generate_series(1, 4) AS id;
RESET ROLE;
ALTER TABLE reservations DISABLE ROW LEVEL SECURITY;

-- look-alikes on the caller's path are not taken
CREATE SCHEMA trap AUTHORIZATION regress_nobody;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET ROLE regress_nobody;
CREATE FUNCTION trap.sprung() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trap sprung for %', current_user; END $$;
CREATE FUNCTION trap.lower(daterange) RETURNS date LANGUAGE sql AS 'SELECT NULL::date FROM trap.sprung()';
CREATE FUNCTION trap.same(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT trap.sprung()';
CREATE OPERATOR trap.= (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.same);
CREATE FUNCTION trap.jsonb_to_record(jsonb) RETURNS record LANGUAGE sql AS 'SELECT 1, trap.sprung()';
CREATE TABLE trap.reservations (id int, listing_id int, stay daterange, guest text);
CREATE TYPE trap.text AS (x int);
RESET ROLE;
SET ROLE regress_booker;
SET search_path = trap, pg_catalog;
SELECT availability.book('booking_rights.reservations', 5, '[2027-01-01,2027-01-03)', 'trap', '{"guest": "Ann", "status": "confirmed"}') IS NOT NULL AS booked;
SELECT availability.move('booking_rights.reservations', 5, '[2027-03-02,2027-03-04)') IS NOT NULL AS moved;
SELECT availability.cancel('booking_rights.reservations', 5) IS NOT NULL AS cancelled;
SELECT availability.release(availability.hold('booking_rights.reservations', 5, '[2027-02-01,2027-02-03)'));
RESET ROLE;
SET search_path = booking_rights;
SELECT id, listing_id, stay, guest, status FROM reservations ORDER BY id;
SELECT count(*) FROM availability.verify('reservations');

-- a new owner of the table: the companions' owner acts until they follow
CREATE ROLE regress_new_owner;
ALTER TABLE reservations OWNER TO regress_new_owner;
SELECT finding FROM availability.doctor() WHERE subject ~ 'booking_rights.reservations_(hold|request)';
SET ROLE regress_booker;
SELECT availability.release(availability.hold('booking_rights.reservations', 6, '[2027-02-01,2027-02-03)'));
RESET ROLE;

-- settings of a table that is switched
SELECT state_of($$SELECT availability.set_day_rows('listings', true)$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT state_of($$SELECT availability.set_day_rows('reservations', false)$$);
COMMIT;
ALTER TABLE reservations OWNER TO regress_shop_owner;
SELECT availability.set_day_rows('reservations', false), availability.set_day_rows('reservations', false);
SELECT to_regclass('reservations_day'), day FROM availability.tracked;
CREATE TABLE reservations_day ();
SELECT state_of($$SELECT availability.set_day_rows('reservations', true)$$);
DROP TABLE reservations_day;
SELECT availability.set_day_rows('reservations', true);
SELECT pg_get_userbyid(relowner), obj_description(oid, 'pg_class') FROM pg_class WHERE oid = 'reservations_day'::regclass;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'reservations_day'::regclass AND contype = 'p';
SELECT count(*) FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

DROP SCHEMA booking_rights, trap CASCADE;
DROP ROLE regress_shop_owner, regress_booker, regress_inserter, regress_nobody, regress_new_owner;
