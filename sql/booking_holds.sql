-- Holds: they take days like reservations, expire by themselves, and become reservations once.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_holds;
SET search_path = booking_holds;
\set VERBOSITY terse
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID');
END
$$;
-- moments pass: as if a hold had been made a while before
CREATE FUNCTION make_old(hold uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reservations_hold SET expires_at = clock_timestamp() - interval '1 second' WHERE hold_id = hold;
END
$$;
CREATE TABLE listings (id int PRIMARY KEY);
INSERT INTO listings SELECT generate_series(1, 9);
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES listings ON DELETE CASCADE, check_in date, check_out date, guest text, status text DEFAULT 'confirmed');
SELECT availability.track('reservations', active => $$status = 'confirmed'$$, day_rows => false);
SELECT availability.set_day_rows('reservations', true);

SELECT availability.hold('reservations', 1, '[2027-01-01,2027-01-05)') AS hold \gset
SELECT hold_id = :'hold' AS is_it, listing_id, stay, expires_at - now() BETWEEN '14 min' AND '15 min' AS in_a_quarter FROM reservations_hold;
SELECT booked, change, reservation_id, stay, was FROM reservations_calendar WHERE listing_id = 1;
TABLE reservations_day;
SELECT state_of($$INSERT INTO reservations (listing_id, check_in, check_out) VALUES (1, '2027-01-04', '2027-01-06')$$);
SELECT state_of($$SELECT availability.book('reservations', 1, '[2027-01-04,2027-01-06)')$$);
SELECT state_of($$SELECT availability.hold('reservations', 1, '[2027-01-04,2027-01-06)')$$);
SELECT count(*) FROM availability.verify('reservations');

-- confirm
SELECT state_of(format($$SELECT availability.confirm('reservations', %L, '{"guest": "Ann", "status": "new"}')$$, :'hold'));
SELECT state_of(format($$SELECT availability.confirm('reservations', %L, '{"check_in": "2028-01-01"}')$$, :'hold'));
SELECT reservation_id, replayed FROM availability.confirm('reservations', :'hold', '{"guest": "Ann"}');
SELECT listing_id, check_in, check_out, guest FROM reservations;
SELECT booked, change, reservation_id IS NOT NULL AS has_reservation, stay, was FROM reservations_calendar WHERE listing_id = 1;
SELECT count(*), count(reservation_id) FROM reservations_day;
TABLE reservations_hold;
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'hold'));
SELECT state_of(format($$SELECT availability.release(%L)$$, :'hold')), availability.release(:'hold');
SELECT count(*) FROM availability.verify('reservations');

-- release
SELECT availability.hold('reservations', '2', '[2027-01-01,2027-01-05)', '1 hour') AS hold \gset
SELECT availability.release(:'hold'), availability.release(:'hold');
SELECT booked, change, reservation_id, stay, was FROM reservations_calendar WHERE listing_id = 2;
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'hold'));

-- expiry: an expired hold blocks nobody, whether or not anything sweeps
SELECT availability.hold('reservations', 3, '[2027-01-01,2027-01-05)') AS a \gset
SELECT availability.hold('reservations', 3, '[2027-01-05,2027-01-09)') AS b \gset
SELECT availability.hold('reservations', 3, '[2027-01-09,2027-01-12)') AS c \gset
SELECT make_old(:'a'), make_old(:'c');
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'a'));
SELECT state_of($$SELECT availability.book('reservations', 3, '[2027-01-03,2027-01-07)')$$);
SELECT stay FROM reservations_hold ORDER BY stay;
INSERT INTO reservations (listing_id, check_in, check_out) VALUES (3, '2027-01-03', '2027-01-05');
SELECT stay FROM reservations_hold ORDER BY stay;
SELECT booked, change, stay, was FROM reservations_calendar WHERE listing_id = 3;
UPDATE reservations SET check_in = '2027-01-10', check_out = '2027-01-11' WHERE listing_id = 3;
SELECT booked, change, stay, was FROM reservations_calendar WHERE listing_id = 3;
SELECT availability.hold('reservations', 3, '[2027-01-01,2027-01-03)') IS NOT NULL AS held;
SELECT stay FROM reservations_hold ORDER BY stay;
SELECT count(*) FROM availability.verify('reservations');
-- the same without day rows, and under a lasting snapshot
SELECT availability.set_day_rows('reservations', false);
UPDATE reservations_hold SET expires_at = now();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT replayed FROM availability.book('reservations', 3, '[2027-01-01,2027-01-09)');
COMMIT;
TABLE reservations_hold;
SELECT count(*) FROM availability.verify('reservations');
SELECT availability.set_day_rows('reservations', true);

-- confirm after expiry, swept or not
SELECT availability.hold('reservations', 4, '[2027-01-01,2027-01-05)', '20 ms') AS a \gset
SELECT availability.hold('reservations', 4, '[2027-02-01,2027-02-05)', '20 ms') AS b \gset
SELECT availability.hold('reservations', 5, '[2027-02-01,2027-02-05)', '20 ms') AS c \gset
SELECT availability.hold('reservations', 5, '[2027-03-01,2027-03-05)') AS d \gset
SELECT pg_sleep(0.1);
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'a'));
SELECT availability.sweep('reservations');
SELECT availability.sweep('reservations');
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'b'));
SELECT listing_id, booked, change, stay, was FROM reservations_calendar WHERE listing_id IN (4, 5) ORDER BY 1;
SELECT availability.release(:'c'), availability.release(:'d');
SELECT count(*) FROM availability.verify('reservations');

-- what can't be held
SELECT state_of('SELECT availability.hold(' || a || ')') FROM unnest(ARRAY[
    $$'reservations', 99, '[2027-01-02,2027-01-04)'$$, $$'reservations', 'x', '[2027-01-02,2027-01-04)'$$, $$'reservations', 7, 'empty'$$, $$'reservations', 7, '(,2027-01-04)'$$,
    $$'reservations', 7, '[2027-01-02,2027-01-04)', '0'$$, $$'reservations', 7, '[2027-01-02,2027-01-04)', '-1 day'$$, $$'reservations', 7, '[2027-01-02,2027-01-04)', '100000 years'$$,
    $$'reservations', 7, '[2027-01-02,2027-01-04)', NULL$$, $$'reservations', NULL, '[2027-01-02,2027-01-04)'$$, $$'reservations', 7, NULL$$, $$'listings', 7, '[2027-01-02,2027-01-04)'$$]) AS a;
SELECT state_of($$SELECT availability.confirm('reservations', NULL)$$), state_of($$SELECT availability.confirm('reservations', '00000000-0000-0000-0000-000000000000')$$),
    availability.release('00000000-0000-0000-0000-000000000000'), availability.release(NULL), state_of($$SELECT availability.sweep('listings')$$);

-- triggers of the table's own may lengthen or move what a hold becomes
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.guest = 'longer' THEN NEW.check_out := NEW.check_out + 1; END IF;
    IF NEW.guest = 'elsewhere' THEN NEW.listing_id := 9; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rewrite BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION rewrite();
SELECT availability.hold('reservations', 6, '[2027-01-01,2027-01-05)') AS a \gset
SELECT availability.hold('reservations', 6, '[2027-01-07,2027-01-09)') AS b \gset
SELECT replayed FROM availability.confirm('reservations', :'a', '{"guest": "longer"}');
SELECT replayed FROM availability.confirm('reservations', :'b', '{"guest": "elsewhere"}');
SELECT listing_id, booked, change, stay, was FROM reservations_calendar WHERE listing_id IN (6, 9) ORDER BY 1;
SELECT count(*) FROM availability.verify('reservations');

-- holds in what an operator does
TRUNCATE reservations;
SELECT availability.hold('reservations', 1, '[2027-01-01,2027-01-05)') AS a \gset
SELECT availability.hold('reservations', 2, '[2027-02-01,2027-02-05)') AS b \gset
SELECT availability.forget('reservations', '2027-01-03');
SELECT listing_id, booked FROM reservations_calendar WHERE NOT availability.is_empty(booked) ORDER BY 1;
SELECT count(*) FROM availability.verify('reservations');
SELECT state_of($$SELECT availability.hold('reservations', 1, '[2027-01-01,2027-01-03)')$$);
DELETE FROM reservations_day WHERE listing_id = 1;
UPDATE reservations_calendar SET booked = '{}' WHERE listing_id = 2;
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT count(*) FROM availability.verify('reservations');
SELECT replayed FROM availability.confirm('reservations', :'a');
SELECT availability.forget('reservations', '2027-02-05');
SELECT count(*) FROM reservations_hold;
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'b'));
SELECT availability.hold('reservations', 7, '[2027-03-01,2027-03-05)') AS a \gset
SELECT availability.hold('reservations', 8, '[2027-03-01,2027-03-05)') AS b \gset
DELETE FROM listings WHERE id = 7;
SELECT listing_id FROM reservations_hold;
SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, :'a'));
INSERT INTO listings VALUES (7);
SELECT booked FROM reservations_calendar WHERE listing_id = 7;
TRUNCATE reservations;
SELECT count(*) FROM reservations_hold;
SELECT count(*) FROM availability.verify('reservations');
SELECT availability.hold('reservations', 8, '[2027-03-01,2027-03-05)') IS NOT NULL AS held;
TRUNCATE listings CASCADE;
SELECT count(*) FROM reservations_hold;
SELECT count(*) FROM availability.verify('reservations');
INSERT INTO reservations_hold VALUES ('00000000-0000-8000-8000-000000000000', 1, '[2027-05-01,2027-05-03)', 'infinity'), ('00000000-0000-8000-8000-000000000001', 1, '[2027-05-02,2027-05-03)', 'infinity');
SELECT kind, listing, day, reservation FROM availability.verify('reservations');
SELECT state_of($$SELECT availability.repair('reservations')$$);
DELETE FROM reservations_hold;
SELECT availability.untrack('reservations');
SELECT availability.release(:'b');

-- without a table of listings, any may be held
CREATE TABLE free (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text, stay daterange);
SELECT availability.track('free');
SELECT availability.hold('free', 'new', '[2027-01-01,2027-01-03)') AS hold \gset
SELECT listing_id, booked FROM free_calendar;
SELECT replayed FROM availability.confirm('free', :'hold');
SELECT count(*) FROM availability.verify('free');

DROP SCHEMA booking_holds CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
