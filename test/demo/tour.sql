-- The tour of make demo: what is typed and what comes back, on the calendars in calendar_day. What the reader shall
-- see is between `\set ECHO queries` and `\set ECHO none`; what the demo claims, it checks with pg_temp.expect.

\set QUIET on
\set SHOW_CONTEXT never
\pset pager off
\pset null '-'
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.expect(holds boolean, claim text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'the demo failed: %', claim;
    END IF;
END
$$;

\echo '--- 1. An application: listings, and reservations with a check-in and a check-out.'
\echo
\set ECHO queries
CREATE TABLE listings (id bigint PRIMARY KEY);
CREATE TABLE reservations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id bigint NOT NULL REFERENCES listings,
    check_in   date NOT NULL,
    check_out  date NOT NULL,
    guest      text,
    status     text NOT NULL DEFAULT 'confirmed'
);
\set ECHO none

INSERT INTO listings SELECT DISTINCT listing_id FROM calendar_day;
-- Consecutive days minus their position are one date: a run.
INSERT INTO reservations (listing_id, check_in, check_out, guest)
    SELECT listing_id, min(day), max(day) + 1, 'from the calendar file'
    FROM (SELECT listing_id, day, day - row_number() OVER (PARTITION BY listing_id ORDER BY day)::int AS run
          FROM calendar_day WHERE booked) AS booked_day
    GROUP BY listing_id, run
    ORDER BY listing_id, run;
ANALYZE;
SELECT count(*) AS days, min(day) AS first_day, max(day) AS last_day,
       (SELECT count(*) FROM listings) AS listings, (SELECT count(*) FROM reservations) AS reservations
FROM calendar_day \gset
\echo :listings 'listings over' :days 'days from' :first_day 'to' :last_day 'are loaded;'
\echo 'their runs of unavailable days are' :reservations 'reservations.'

\echo
\echo '--- 2. One command makes the table keep calendars and refuse double bookings.'
\echo
\set ECHO queries
\timing on
CREATE EXTENSION availability;
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
\timing off
\set ECHO none
VACUUM ANALYZE;

\echo
\echo '--- 3. Every listing and day of the file against the calendars in the database.'
\echo
\ir compare.sql

-- A day about the middle of the file from which some listing is free for four nights; past the last day they all are.
SELECT start::date AS check_in, start::date + 4 AS check_out, start::date + 2 AS late_in, start::date + 6 AS late_out,
       date_trunc('month', start)::date AS month, (date_trunc('month', start) + interval '1 month')::date AS next_month
FROM generate_series((:'first_day'::date + (:'last_day'::date - :'first_day'::date) / 2)::timestamp,
                     :'last_day'::date + 1, interval '1 day') AS start
WHERE EXISTS (SELECT FROM reservations_calendar
              WHERE availability.is_available(booked, daterange(start::date, start::date + 4)))
ORDER BY start
LIMIT 1 \gset

\echo
\echo '--- 4. Search: which listings are free for these four nights, and how full is their month?'
\echo
\set ECHO queries
\timing on
SELECT listing_id, availability.booked_days(booked, daterange(:'month', :'next_month')) AS booked_days
FROM reservations_calendar
WHERE availability.is_available(booked, daterange(:'check_in', :'check_out'))
ORDER BY listing_id
LIMIT 5;
\timing off
\set ECHO none
-- Of those five, one that makes a good picture.
SELECT listing_id AS listing
FROM (SELECT listing_id, availability.booked_days(booked, daterange(:'month', :'next_month')) AS booked_days
      FROM reservations_calendar
      WHERE availability.is_available(booked, daterange(:'check_in', :'check_out'))
      ORDER BY listing_id
      LIMIT 5) AS found
ORDER BY abs(booked_days - 12), listing_id
LIMIT 1 \gset

\echo
\echo '--- 5. From here on a slot collects what happens to the calendars.'
\echo
\set ECHO queries
SELECT slot_name FROM pg_create_logical_replication_slot('cache', 'availability_decoder');
\set ECHO none

\echo
\echo '--- 6. A guest takes listing' :listing': booking is an INSERT into the application\'s own table.'
\echo
\set ECHO queries
\timing on
INSERT INTO reservations (listing_id, check_in, check_out, guest)
VALUES (:listing, :'check_in', :'check_out', 'Ada')
RETURNING id;
\timing off
\set ECHO none
SELECT max(id) AS ada FROM reservations \gset

\echo
\echo '--- 7. A second guest comes two nights late and is refused.'
\echo
\set VERBOSITY verbose
\set ON_ERROR_STOP off
\set ECHO queries
INSERT INTO reservations (listing_id, check_in, check_out, guest)
VALUES (:listing, :'late_in', :'late_out', 'Grace');
\set ECHO none
\set ON_ERROR_STOP on
\set VERBOSITY default
SELECT pg_temp.expect(:'LAST_ERROR_SQLSTATE' = '23505', 'a double booking was not refused') \gset

\echo
\echo '--- 8. The month as a person reads it, and as a cache stores it.'
\echo
\set ECHO queries
\pset format unaligned
\pset tuples_only on
SELECT availability.month_calendar(booked, :'month')
FROM reservations_calendar WHERE listing_id = :listing;
\echo
\pset format aligned
\pset tuples_only off
SELECT key, booked, booked_days, open_days
FROM reservations_month WHERE listing_id = :listing AND month = :'month';
\set ECHO none

\echo
\echo '--- 9. Moving: the next gap of four nights after this stay, and an UPDATE.'
\echo
\set ECHO queries
SELECT availability.next_gap(booked, :'check_out', 4)
FROM reservations_calendar WHERE listing_id = :listing;
\set ECHO none
SELECT lower(availability.next_gap(booked, :'check_out', 4)) AS new_in,
       lower(availability.next_gap(booked, :'check_out', 4)) + 4 AS new_out
FROM reservations_calendar WHERE listing_id = :listing \gset
\set ECHO queries
UPDATE reservations SET check_in = :'new_in', check_out = :'new_out' WHERE id = :ada;
\set ECHO none
SELECT pg_temp.expect(availability.is_available(booked, daterange(:'check_in', :'check_out'))
                      AND availability.is_booked(booked, daterange(:'new_in', :'new_out')), 'the calendar did not move')
FROM reservations_calendar WHERE listing_id = :listing \gset

\echo
\echo '--- 10. Cancelling: whatever makes the reservation inactive gives its days back. The second guest gets them.'
\echo
\set ECHO queries
UPDATE reservations SET status = 'cancelled' WHERE id = :ada;
\echo
INSERT INTO reservations (listing_id, check_in, check_out, guest)
VALUES (:listing, :'check_in', :'check_out', 'Grace')
RETURNING id;
\set ECHO none

\echo
\echo '--- 11. The events as they come out of the slot. Each carries the listing\'s whole calendar.'
\echo
\set ECHO queries
\pset format unaligned
\pset tuples_only on
SELECT data FROM pg_logical_slot_peek_changes('cache', NULL, NULL);
\pset format aligned
\pset tuples_only off
\set ECHO none
SELECT pg_temp.expect(array_agg(data::json ->> 'event' ORDER BY lsn) = '{created,updated,cancelled,created}',
                      'the slot does not tell what happened'),
       pg_temp.expect((array_agg(data::jsonb -> 'booked' ORDER BY lsn DESC))[1] =
                      (SELECT booked::jsonb FROM reservations_calendar WHERE listing_id = :listing),
                      'the last event is not the calendar')
FROM pg_logical_slot_get_changes('cache', NULL, NULL) \gset
SELECT pg_drop_replication_slot('cache') \gset

\echo
\echo '--- 12. Reservations, day rows, calendars and listings agree: verify finds nothing, and the doctor nothing to mend.'
\echo
\set ECHO queries
SELECT * FROM availability.verify('reservations');
SELECT * FROM availability.doctor();
\set ECHO none
SELECT pg_temp.expect(count(*) = 0, 'verify found discrepancies') FROM availability.verify('reservations') \gset

\echo
\echo '--- 13. Sizes: the bytes of a listing\'s calendar in each form.'
\echo
SELECT form, round(bytes::numeric / :listings, 1) AS "bytes a listing"
FROM (SELECT 1 AS n, 'dayset' AS form, sum(pg_column_size(booked)) AS bytes FROM reservations_calendar
      UNION ALL
      SELECT 2, 'datemultirange', sum(pg_column_size(booked::datemultirange)) FROM reservations_calendar
      UNION ALL
      SELECT 3, 'table of calendars, with its indexes', pg_total_relation_size('reservations_calendar')
      UNION ALL
      SELECT 4, 'table of day rows, with its index', pg_total_relation_size('reservations_day')) AS size
ORDER BY n;

\echo
\echo '--- 14. Times: how many listings are free for a week, from calendars, day rows and reservations.'
\echo
SELECT :'check_in'::date + 7 AS week_end \gset
\set ECHO queries
\timing on
SELECT count(*) FROM reservations_calendar
WHERE availability.is_available(booked, daterange(:'check_in', :'week_end'));
\echo
SELECT count(*) FROM listings l
WHERE NOT EXISTS (SELECT FROM reservations_day d
                  WHERE d.listing_id = l.id AND d.day >= :'check_in' AND d.day < :'week_end');
\echo
SELECT count(*) FROM listings l
WHERE NOT EXISTS (SELECT FROM reservations r
                  WHERE r.listing_id = l.id AND r.status = 'confirmed'
                    AND r.check_in < :'week_end' AND r.check_out > :'check_in');
\timing off
\set ECHO none
