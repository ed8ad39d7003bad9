-- availability.cancel and availability.move.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_changes;
SET search_path = booking_changes;
\set SHOW_CONTEXT never
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, check_in date, check_out date, status text NOT NULL DEFAULT 'confirmed', cancelled_by name);

-- what cancel may be
SELECT availability.track('reservations', cancel => c) FROM unnest(ARRAY['statu = 1']) AS c;
SELECT availability.track('reservations', cancel => 'status = ''x'' WHERE true');
SELECT availability.track('reservations', cancel => 'status = ''x''; DELETE FROM reservations');
SELECT availability.track('reservations', cancel => 'status = o.status FROM reservations o');
SELECT availability.track('reservations', cancel => 'status = ''x'' /*');
SELECT availability.track('reservations', cancel => '');
SELECT availability.track('reservations', cancel => 'status = ''x'' RETURNING 1 --');

SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled', cancelled_by = current_user -- by whom$$);
SELECT reservation_id FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)');
SELECT reservation_id FROM availability.book('reservations', 1, '[2027-01-05,2027-01-08)');

-- move
SELECT reservation_id FROM availability.move('reservations', 1, '[2027-01-02,2027-01-04)');
SELECT reservation_id FROM availability.move('reservations', '1', '[2027-01-02,2027-01-05)');
SELECT version FROM reservations_calendar \gset
SELECT reservation_id, version = :version AS unchanged FROM availability.move('reservations', 1, '[2027-01-02,2027-01-05)');
SELECT availability.move('reservations', 1, '[2027-01-02,2027-01-06)');
SELECT availability.move('reservations', 3, '[2027-01-02,2027-01-06)');
SELECT availability.move('reservations', 1, 'empty');
SELECT availability.move('reservations', 1, NULL);
SELECT availability.move('reservations', 'x', '[2027-01-02,2027-01-06)');
SELECT booked, change, reservation_id, stay, was FROM reservations_calendar;

-- cancel
SELECT reservation_id FROM availability.cancel('reservations', 1);
SELECT availability.cancel('reservations', 1);
SELECT availability.move('reservations', 1, '[2027-01-02,2027-01-05)');
SELECT availability.cancel('reservations', 3);
SELECT availability.cancel('reservations', NULL::bigint);
SELECT id, status, cancelled_by = current_user AS by_me FROM reservations ORDER BY id;
SELECT booked, change, reservation_id, stay, was FROM reservations_calendar;

-- renames and new columns are followed
ALTER TABLE reservations RENAME COLUMN status TO state;
ALTER TABLE reservations RENAME COLUMN id TO number;
ALTER TABLE reservations ADD COLUMN note text DEFAULT 'none';
ALTER TABLE reservations RENAME TO bookings;
SELECT reservation_id FROM availability.cancel('bookings', 2);
SELECT number, state FROM bookings ORDER BY 1;
ALTER TABLE bookings DROP COLUMN cancelled_by;
SELECT count(*) FROM availability.verify('bookings');

-- a table that deletes; its key is text, and an expression
CREATE TABLE orders (number int, year int, listing_id text, stay daterange, PRIMARY KEY (year, number));
SELECT availability.track('orders', key => $$year || '/' || number$$);
SELECT reservation_id FROM availability.book('orders', 'a', '[2027-01-01,2027-01-03)', attributes => '{"year": 2027, "number": 1}');
SELECT reservation_id FROM availability.move('orders', '2027/1', '[2027-01-02,2027-01-04)');
SELECT reservation_id FROM availability.cancel('orders', '2027/1');
SELECT count(*) FROM orders;

-- a cancel that leaves the reservation active
CREATE TABLE stuck (id int PRIMARY KEY, listing_id int, stay daterange, status text);
SELECT availability.track('stuck', active => $$status IS DISTINCT FROM 'cancelled'$$, cancel => $$status = 'canceled'$$);
INSERT INTO stuck VALUES (1, 1, '[2027-01-01,2027-01-03)');
SELECT availability.cancel('stuck', 1);
TABLE stuck;

-- a key that several reservations have
CREATE TABLE doubled (listing_id int, stay daterange, key int);
SELECT availability.track('doubled', key => 'key');
INSERT INTO doubled VALUES (1, '[2027-01-01,2027-01-03)', 1), (2, '[2027-01-01,2027-01-03)', 1);
SELECT availability.cancel('doubled', 1);
SELECT count(*) FROM doubled;

-- the companion goes with the others
SELECT availability.untrack('bookings');
SELECT count(*) FROM pg_proc WHERE pronamespace = 'booking_changes'::regnamespace AND proname ~ '^reservations';
\set VERBOSITY terse
DROP SCHEMA booking_changes CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
