-- The tour of the README: what is shown there is compared with what runs here (t/060_readme.pl).
SET client_min_messages = warning;
SET datestyle = 'ISO';
CREATE SCHEMA tour;
SET search_path = tour;
SELECT slot_name FROM pg_create_logical_replication_slot('tour', 'availability_decoder');

-- 1. Tables of your own
CREATE TABLE cottages (id bigint PRIMARY KEY, name text);
CREATE TABLE bookings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id bigint REFERENCES cottages,
    check_in   date,
    check_out  date,
    status     text DEFAULT 'confirmed'
);
INSERT INTO cottages VALUES (1, 'Dune'), (2, 'Heath'), (3, 'Forest');

-- 2. Track them
SELECT availability.track('bookings', active => $$status = 'confirmed'$$);

-- 3. Book
INSERT INTO bookings (listing_id, check_in, check_out) VALUES
    (1, '2027-07-03', '2027-07-10'),
    (1, '2027-07-17', '2027-07-24'),
    (2, '2027-07-10', '2027-07-17');

-- 4. A double booking is refused
INSERT INTO bookings (listing_id, check_in, check_out) VALUES (1, '2027-07-08', '2027-07-12');

-- 5. What is free for a week?
SELECT c.name FROM bookings_calendar b JOIN cottages c ON c.id = b.listing_id
WHERE availability.is_available(b.booked, '[2027-07-10,2027-07-17)') ORDER BY c.name;

-- 6. Where are the gaps, and the next one of ten nights?
SELECT availability.gaps(booked, '[2027-07-01,2027-08-01)') AS gap FROM bookings_calendar WHERE listing_id = 1;
SELECT availability.next_gap(booked, '2027-07-01', 10) FROM bookings_calendar WHERE listing_id = 1;

-- 7. A month at a glance
SELECT availability.month_calendar(booked, '2027-07-01') FROM bookings_calendar WHERE listing_id = 1;

-- 8. Move one, cancel another
UPDATE bookings SET listing_id = 3 WHERE listing_id = 1 AND check_in = '2027-07-03';
UPDATE bookings SET status = 'cancelled' WHERE listing_id = 1;
SELECT listing_id, booked, change, reservation_id FROM bookings_calendar ORDER BY listing_id;

-- 9. Read the events
SELECT data::jsonb - '{v,table,version,lsn,seq,at}'::text[] AS event
FROM pg_logical_slot_get_changes('tour', NULL, NULL, 'tables', 'tour.bookings_calendar');

-- 10. Prove that all agrees
SELECT * FROM availability.verify('bookings');

-- The end of the tour.
SELECT availability.untrack('bookings');
SELECT pg_drop_replication_slot('tour');
DROP SCHEMA tour CASCADE;
