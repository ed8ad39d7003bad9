-- The arguments of track: expressions over a row, defaults, and what each becomes.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA track_arguments;
SET search_path = track_arguments, public;

-- All of them, in positional and in named notation.
CREATE TABLE bookings (
    code text PRIMARY KEY, unit int, arrival date, departure date, status text, cancelled_at timestamptz, tags text[]
);
INSERT INTO bookings VALUES
    ('a', 1, '2025-12-30', '2026-01-03', 'confirmed', NULL, NULL),
    ('b', 1, '2026-01-05', '2026-01-07', 'confirmed', '2026-01-01 00:00+00', NULL),
    ('c', 1, '2026-01-07', '2026-01-09', 'offered', NULL, NULL);
SELECT availability.track('bookings', 'unit', 'daterange(arrival, departure + 1)',
                          $$status IN ('confirmed', 'paid') AND cancelled_at IS NULL$$, 'upper(code)', NULL, '2026-01-01', false,
                          $$status = 'cancelled'$$);
SELECT listing, stay, active, key, since, day, cancel FROM availability.tracked WHERE reservations = 'bookings'::regclass;
-- Turnover days: 3 January is the day after the check-out; days before `since` are not kept.
SELECT listing_id, booked FROM bookings_calendar;
INSERT INTO bookings VALUES ('d', 1, '2026-01-03', '2026-01-05', 'paid');
INSERT INTO bookings VALUES ('d', 1, '2026-01-04', '2026-01-05', 'paid');
SELECT listing_id, booked, reservation_id FROM bookings_calendar;
SELECT availability.untrack('bookings');

-- Expressions of every kind: braces, casts, operators, quotes, constants, a function of one's own, other schemas.
CREATE FUNCTION is_held(status text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN status = 'confirmed' AND '{}'::text[] = '{}';
SELECT availability.track('bookings', active => $$NOT coalesce(tags && '{block,"it''s {1}"}', false) AND is_held(status)$$,
                          stay => $$CASE WHEN arrival < departure THEN daterange(arrival, departure) END$$,
                          listing => $$'unit {' || unit || '}'$$, key => 'code::varchar(10)');
UPDATE bookings SET tags = '{block}' WHERE code = 'd';
UPDATE bookings SET cancelled_at = NULL WHERE code = 'b';
SELECT listing_id, booked, reservation_id FROM bookings_calendar;
SELECT pg_get_function_arguments('bookings_claim'::regproc);
SELECT * FROM availability.verify('bookings');
SELECT availability.untrack('bookings');
-- A condition that is never true, null, or a boolean domain.
CREATE DOMAIN flag AS boolean;
SELECT availability.track('bookings', listing => 'unit', stay => 'daterange(arrival, departure)', active => 'NULL');
SELECT count(*) FROM bookings_calendar;
SELECT availability.untrack('bookings');
SELECT availability.track('bookings', listing => 'unit', stay => 'daterange(arrival, departure)', active => $$(status = 'offered')::flag$$);
SELECT booked FROM bookings_calendar;
SELECT availability.untrack('bookings');

-- stay left out: a column stay, else check_in and check_out; domains too.
CREATE DOMAIN nights AS daterange NOT NULL;
CREATE DOMAIN night AS date;
CREATE TABLE with_stay (id int PRIMARY KEY, listing_id int, stay nights, check_in date, check_out date, held boolean);
CREATE TABLE with_dates (id int PRIMARY KEY, listing_id int, check_in night, check_out night);
INSERT INTO with_stay VALUES (1, 1, '[2026-01-01,2026-01-03)', '2026-02-01', '2026-02-03', true), (2, 1, '[2026-01-01,2026-01-03)', NULL, NULL, false);
INSERT INTO with_dates VALUES (1, 1, '2026-02-01', '2026-02-03');
SELECT availability.track('with_stay', active => 'held');
SELECT availability.track('with_dates');
SELECT stay, key FROM availability.tracked WHERE reservations IN ('with_stay'::regclass, 'with_dates'::regclass) ORDER BY 1;
INSERT INTO with_stay VALUES (3, 1, '[2026-01-02,2026-01-05)', NULL, NULL, false);
SELECT booked FROM with_stay_calendar UNION ALL SELECT booked FROM with_dates_calendar;
SELECT * FROM availability.verify('with_stay');
SELECT availability.untrack('with_stay');
SELECT availability.untrack('with_dates');

-- Names that need quotes, and braces.
CREATE TABLE "Res {x} ""é""" ("Id" int PRIMARY KEY, "listing_id" int, "Check {in}" date, "out" date);
SELECT availability.track('"Res {x} ""é"""', stay => 'daterange("Check {in}", "out")');
INSERT INTO "Res {x} ""é""" VALUES (1, 1, '2026-01-01', '2026-01-03');
INSERT INTO "Res {x} ""é""" VALUES (2, 1, '2026-01-01', '2026-01-03');
SELECT calendar, day, claim, key FROM availability.tracked WHERE reservations = '"Res {x} ""é"""'::regclass;
SELECT listing_id, booked FROM "Res {x} ""é""_calendar";
SELECT * FROM availability.verify('"Res {x} ""é"""');
SELECT availability.repair('"Res {x} ""é"""');
SELECT availability.forget('"Res {x} ""é"""', '2026-01-02');
TRUNCATE "Res {x} ""é""";
SELECT availability.untrack('"Res {x} ""é"""');

-- The longest name.
CREATE TABLE reservations_of_a_very_long_name_of_49_characters (id int PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations_of_a_very_long_name_of_49_characters');
SELECT availability.untrack('reservations_of_a_very_long_name_of_49_characters');

DROP SCHEMA track_arguments CASCADE;
