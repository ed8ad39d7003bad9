-- How many days, and which first and last.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;

SELECT days, booked_days(days), first_day(days), last_day(days), is_empty(days)
FROM unnest(ARRAY['{}', '2026-12-24', '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}', '{[1970-01-01,1970-01-02),[2149-06-06,2149-06-07)}',
                  '{[1970-01-01,2149-06-07)}', NULL]::dayset[]) WITH ORDINALITY AS s (days, n) ORDER BY n;

CREATE TEMP TABLE calendar AS SELECT dayset '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}' AS booked;
SELECT within, booked_days(booked, within), open_days(booked, within), occupancy(booked, within)
FROM calendar, unnest(ARRAY['[2026-12-20,2026-12-27)', '[2026-12-01,2027-01-01)', '[2027-01-01,2027-02-01)', '[2026-12-26,2026-12-28)',
                            '[2027-01-03,2027-01-13)', '[1970-01-01,2149-06-07)', NULL]::daterange[])
     WITH ORDINALITY AS w (within, n) ORDER BY n;

-- Counting booked days is right whatever the range; open days and shares need days that can be open.
SELECT within, booked_days(booked, within), raised(format('SELECT open_days(booked, %L) FROM calendar', within)) AS open_days,
       raised(format('SELECT occupancy(booked, %L) FROM calendar', within)) AS occupancy
FROM calendar, unnest(ARRAY['empty', '(,)', '[2026-12-26,)', '(,2026-12-21)', '[1900-01-01,1970-01-01)', '[2149-06-01,2149-06-08)',
                            '[infinity,infinity]']::daterange[])
     WITH ORDINALITY AS w (within, n) ORDER BY n;
SELECT open_days(booked, 'empty') FROM calendar;
DROP TABLE calendar;
RESET search_path;
