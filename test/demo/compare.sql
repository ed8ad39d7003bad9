-- Compares every listing and day of calendar_day with the calendars, and the calendars and day rows with it.
SELECT count(DISTINCT f.listing_id) AS compared_listings, count(*) AS compared_days,
       count(*) FILTER (WHERE f.booked) AS booked_days,
       count(*) FILTER (WHERE availability.is_booked(c.booked, daterange(f.day, f.day + 1)) IS DISTINCT FROM f.booked)
           AS mismatches
FROM calendar_day f LEFT JOIN reservations_calendar c USING (listing_id) \gset

-- What the file does not name is open.
SELECT sum(availability.booked_days(booked)) - :booked_days AS surplus_days,
       count(*) - :compared_listings AS surplus_calendars,
       (SELECT count(*) FROM reservations_day) - :booked_days AS surplus_day_rows
FROM reservations_calendar \gset

\echo 'listings   ' :compared_listings
\echo 'days       ' :compared_days
\echo 'booked days' :booked_days
\echo 'mismatches ' :mismatches
SELECT pg_temp.expect(:mismatches = 0, 'calendars disagree with the file'),
       pg_temp.expect((:surplus_days, :surplus_calendars, :surplus_day_rows) = (0, 0, 0),
                      'the database holds days that are not booked in the file') \gset
