-- availability.stay_days: nights in the listing's own time zone.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
SET search_path = public, availability;

-- an ordinary stay; a late arrival belongs to the night before; whose clock counts is the listing's
SELECT stay_days('2027-05-01 16:00+02', '2027-05-03 10:00+02', 'Europe/Brussels') AS ordinary,
       stay_days('2027-05-02 02:00+02', '2027-05-03 10:00+02', 'Europe/Brussels') AS after_midnight,
       stay_days('2027-05-02 06:00+02', '2027-05-03 10:00+02', 'Europe/Brussels') AS early_bird,
       stay_days('2027-05-02 02:00+02', '2027-05-03 10:00+02', 'Europe/Brussels', '00:00') AS no_late_arrival,
       stay_days('2027-05-01 16:00+02', '2027-05-03 10:00+02', 'Pacific/Auckland') AS elsewhere;
-- the session's zone does not matter
SET timezone = 'Asia/Tokyo';
SELECT stay_days('2027-05-01 16:00+02', '2027-05-03 10:00+02', 'Europe/Brussels');
RESET timezone;

-- two arrivals of one local night that fall on two UTC days claim the same night
SELECT stay_days('2027-05-01 22:00-04', '2027-05-02 11:00-04', 'America/New_York') = stay_days('2027-05-01 15:00-04', '2027-05-02 11:00-04', 'America/New_York') AS same;

-- clocks that change: forward and back, by half an hour, at midnight; a day that does not exist (Samoa, 30 December 2011)
SELECT zone, stay_days(check_in::timestamp AT TIME ZONE zone, check_out::timestamp AT TIME ZONE zone, zone) AS stay
FROM (VALUES ('Europe/Brussels', '2027-03-27 15:00', '2027-03-28 10:00'), ('Europe/Brussels', '2027-03-28 02:30', '2027-03-29 10:00'),
             ('Europe/Brussels', '2027-10-30 15:00', '2027-10-31 10:00'), ('Europe/Brussels', '2027-10-31 02:30', '2027-11-01 10:00'),
             ('Australia/Lord_Howe', '2027-04-03 15:00', '2027-04-04 10:00'), ('Asia/Kolkata', '2027-04-03 23:45', '2027-04-05 00:15'),
             ('America/Santiago', '2027-09-04 23:30', '2027-09-05 10:00'), ('Asia/Beirut', '2027-03-28 00:30', '2027-03-29 10:00'),
             ('Pacific/Apia', '2011-12-29 15:00', '2011-12-31 10:00'), ('Pacific/Kiritimati', '1994-12-30 15:00', '1995-01-02 10:00')
     ) AS v (zone, check_in, check_out);

-- in every zone, on every day of 2024-2032: from 15:00 to 10:00 two days on is two nights, whatever the clocks do. Also in Apia.
SELECT count(DISTINCT name) > 300 AS zones,
       count(*) FILTER (WHERE stay_days((day + time '15:00') AT TIME ZONE name, (day + 2 + time '10:00') AT TIME ZONE name, name) <> daterange(day, day + 2)) AS wrong,
       count(*) FILTER (WHERE stay_days((day + 1 + time '01:30') AT TIME ZONE name, (day + 2 + time '10:00') AT TIME ZONE name, name) <> daterange(day, day + 2)) AS late_wrong
FROM pg_timezone_names,
     LATERAL (SELECT date '2024-01-01' + 13 * n AS day FROM generate_series(0, 252) AS n
              UNION ALL SELECT d::date FROM unnest('{2024-02-28,2028-02-28,2032-02-28,2026-03-28,2026-10-24,2027-03-13,2027-11-06}'::date[]) AS d) AS days
WHERE name !~ '^(posix|right)/';

-- errors and NULLs
SELECT raised($$SELECT availability.stay_days('2027-05-01 16:00+02', '2027-05-03 10:00+02', 'Europe/Atlantis')$$);
SELECT raised($$SELECT availability.stay_days('2027-05-03 16:00+02', '2027-05-01 10:00+02', 'Europe/Brussels')$$);
SELECT stay_days(NULL, '2027-05-03 10:00+02', 'Europe/Brussels') IS NULL AS no_check_in, stay_days('2027-05-03 10:00+02', NULL, 'Europe/Brussels') IS NULL AS no_check_out;
SELECT stay_days('-infinity', 'infinity', 'Europe/Brussels');
-- an hour between night and morning holds no night
SELECT stay_days('2027-05-02 08:00+02', '2027-05-02 18:00+02', 'Europe/Brussels');

-- a tracked table of timestamps, each listing in its zone
CREATE SCHEMA stay_days_table;
CREATE TABLE stay_days_table.stays (id int PRIMARY KEY, listing_id int, check_in timestamptz, check_out timestamptz, zone text);
SELECT track('stay_days_table.stays', stay => 'availability.stay_days(check_in, check_out, zone)');
INSERT INTO stay_days_table.stays VALUES (1, 1, '2027-05-01 22:00-04', '2027-05-02 11:00-04', 'America/New_York'), (2, 2, '2027-05-02 02:00+02', '2027-05-03 10:00+02', 'Europe/Brussels');
INSERT INTO stay_days_table.stays VALUES (3, 1, '2027-05-01 15:00-04', '2027-05-02 11:00-04', 'America/New_York');
INSERT INTO stay_days_table.stays VALUES (3, 1, '2027-05-02 15:00-04', '2027-05-03 11:00-04', 'America/New_York');
SELECT listing_id, booked FROM stay_days_table.stays_calendar ORDER BY 1;
SELECT * FROM verify('stay_days_table.stays');
SELECT untrack('stay_days_table.stays');
DROP SCHEMA stay_days_table CASCADE;
