-- is_available and is_booked: only a stay that can be a stay gets an answer.
SET datestyle = 'ISO, YMD';
CREATE TEMP TABLE calendar AS SELECT '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'::availability.dayset AS booked;

SELECT stay, availability.is_available(booked, stay), availability.is_booked(booked, stay)
FROM calendar, unnest(ARRAY['[2026-12-20,2026-12-27)', '[2026-12-19,2026-12-20)', '[2026-12-19,2026-12-21)', '[2026-12-26,2026-12-27)',
                            '[2026-12-27,2027-01-01)', '[2026-12-27,2027-01-02)', '[2027-01-03,2027-02-01)', '[1970-01-01,1970-01-02)',
                            '[2149-06-06,2149-06-07)', '[1970-01-01,2149-06-07)', NULL]::daterange[])
     WITH ORDINALITY AS s (stay, n) ORDER BY n;
SELECT availability.is_available('{}', daterange('1970-01-01', '2149-06-07')), availability.is_booked('{}', daterange('1970-01-01', '2149-06-07')),
       availability.is_available(NULL, daterange('2026-12-20', '2026-12-21'));

-- The check-out day is free for the next guest.
SELECT availability.is_available('[2026-12-20,2026-12-27)', '[2026-12-27,2026-12-30)'),
       availability.is_available('[2026-12-20,2026-12-27)', '[2026-12-18,2026-12-20)');

SELECT stay, raised(format('SELECT availability.is_available(booked, %L) FROM calendar', stay)),
       raised(format('SELECT availability.is_booked(booked, %L) FROM calendar', stay)) =
       raised(format('SELECT availability.is_available(booked, %L) FROM calendar', stay)) AS is_booked_too
FROM unnest(ARRAY['empty', '(,)', '[2026-12-27,)', '(,2026-12-27)', '[2026-12-27,infinity)', '[-infinity,2026-12-27)', '[infinity,infinity]',
                  '[1969-12-31,1970-01-02)', '[2149-06-06,2149-06-08)', '[1900-01-01,1900-01-02)', '[2300-01-01,2300-01-02)']::daterange[])
     WITH ORDINALITY AS s (stay, n) ORDER BY n;
-- Also for a listing that was never booked.
SELECT raised($$SELECT availability.is_available('{}', 'empty')$$), raised($$SELECT availability.is_available('{}', '(,)')$$);
DROP TABLE calendar;

-- Each kind of container, compared with the operator.
CREATE TEMP TABLE sets AS
SELECT kind, availability.dayset_agg(date '1970-01-01' + n) AS days
FROM generate_series(0, 65535) AS n, (VALUES ('array', 101), ('bitset', 3)) AS k (kind, every)
WHERE n % every = 0 GROUP BY kind;
WITH model AS MATERIALIZED (SELECT kind, days, days::datemultirange AS m FROM sets)
SELECT kind, availability.booked_days(days), count(*) AS stays, count(*) FILTER (WHERE m && stay) AS taken,
       count(*) FILTER (WHERE availability.is_available(days, stay) = (m && stay)) AS wrong_free,
       count(*) FILTER (WHERE availability.is_booked(days, stay) <> (m && stay)) AS wrong_booked
FROM model, generate_series(0, 65530, 997) AS n, generate_series(1, 5) AS nights,
     LATERAL (SELECT daterange(date '1970-01-01' + n, date '1970-01-01' + n + nights)) AS s (stay)
GROUP BY kind, days ORDER BY kind;
DROP TABLE sets;
