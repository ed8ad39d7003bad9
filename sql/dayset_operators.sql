-- Operators on sets, with range semantics: they raise only where a result would hold an unsupported day.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;
CREATE TEMP TABLE calendar AS SELECT dayset '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}' AS booked;

-- @> a day
SELECT day, booked @> day AS contains
FROM calendar, unnest(ARRAY['2026-12-19', '2026-12-20', '2026-12-26', '2026-12-27', '2027-01-02', '1970-01-01', '1969-12-31',
                            '2149-06-06', '2149-06-07', '0001-01-01 BC', '5874897-12-31', '-infinity', 'infinity', NULL]::date[])
     WITH ORDINALITY AS d (day, n) ORDER BY n;

-- ranges
SELECT range, booked @> range AS contains, booked && range AS overlaps, booked !&& range AS disjoint
FROM calendar, unnest(ARRAY['empty', '[2026-12-20,2026-12-27)', '[2026-12-21,2026-12-22)', '[2026-12-20,2026-12-28)', '[2026-12-26,2027-01-02)',
                            '[2026-12-27,2027-01-01)', '[2026-12-01,2026-12-20)', '(,)', '(,2026-12-20)', '(,2026-12-21)', '[2027-01-02,)',
                            '[2027-01-03,)', '[1900-01-01,2300-01-01)', '[1900-01-01,1970-01-01)', '[2149-06-07,2300-01-01)',
                            '[2026-12-26,infinity)', '[-infinity,2026-12-21)', '[infinity,infinity]', '[-infinity,-infinity]', NULL]::daterange[])
     WITH ORDINALITY AS r (range, n) ORDER BY n;

-- sets
SELECT other, booked @> other AS contains, booked && other AS overlaps, booked !&& other AS disjoint
FROM calendar, unnest(ARRAY['{}', '{[2026-12-21,2026-12-22),[2027-01-01,2027-01-03)}', '{[2026-12-26,2026-12-28)}',
                            '{[2026-12-01,2026-12-20),[2026-12-27,2027-01-01)}', '{[1970-01-01,2149-06-07)}', NULL]::dayset[])
     WITH ORDINALITY AS o (other, n) ORDER BY n;

-- + - * of a range
SELECT range, booked - range AS minus, booked * range AS times
FROM calendar, unnest(ARRAY['empty', '[2026-12-22,2026-12-24)', '[2026-12-26,2027-01-02)', '(,)', '(,2026-12-24)', '[2026-12-24,)',
                            '[1900-01-01,2300-01-01)', '[infinity,infinity]', '[1900-01-01,1970-01-01)', '[2149-06-07,2300-01-01)', NULL]::daterange[])
     WITH ORDINALITY AS r (range, n) ORDER BY n;
SELECT range, booked + range AS plus
FROM calendar, unnest(ARRAY['empty', '[2026-12-22,2026-12-24)', '[2026-12-26,2027-01-02)', '[1970-01-01,2149-06-07)', NULL]::daterange[])
     WITH ORDINALITY AS r (range, n) ORDER BY n;
SELECT range, raised(format('SELECT booked + %L::daterange FROM calendar', range))
FROM unnest(ARRAY['(,)', '[2027-01-02,)', '(,2026-12-20)', '[1969-12-31,1970-01-02)', '[2149-06-06,2149-06-08)', '[2026-12-26,infinity)']::daterange[])
     WITH ORDINALITY AS r (range, n) ORDER BY n;

-- + - * of a set
SELECT other, booked + other AS plus, booked - other AS minus, booked * other AS times
FROM calendar, unnest(ARRAY['{}', '{[2026-12-22,2026-12-24),[2027-01-02,2027-01-05)}', '{[1970-01-01,2149-06-07)}', NULL]::dayset[])
     WITH ORDINALITY AS o (other, n) ORDER BY n;

-- A literal on the right is a day set, which also takes one range or one day.
SELECT booked @> '2026-12-24', booked && '[2026-12-26,2027-01-01)', booked + '[2026-12-27,2027-01-01)', booked - '2026-12-24' FROM calendar;

-- No other range has days.
SELECT raised('SELECT booked && int4range(1, 2) FROM calendar');
SELECT raised('SELECT booked @> tsrange(NULL, NULL) FROM calendar');
SELECT raised('SELECT booked + ''empty''::numrange FROM calendar');

-- A dayset on the right of a built-in type is no operator.
SELECT raised('SELECT daterange(''2026-12-26'', ''2026-12-28'') && booked FROM calendar');
SELECT raised('SELECT date ''2026-12-26'' <@ booked FROM calendar');

-- A bitset and an array meet runs.
WITH sets AS (
    SELECT dayset_agg(date '1970-01-01' + n) FILTER (WHERE n % 2 = 0) AS bitset,
           dayset_agg(date '1970-01-01' + n) FILTER (WHERE n % 17 = 0) AS odd_array,
           dayset '[2000-01-01,2010-01-01)' AS runs
    FROM generate_series(0, 65535) AS n
)
SELECT booked_days(bitset), booked_days(odd_array), booked_days(bitset * odd_array), booked_days(bitset * runs), booked_days(odd_array - runs),
       booked_days(bitset + odd_array), bitset && odd_array, bitset @> odd_array, bitset @> (bitset * runs), runs @> (runs - bitset), (bitset - bitset)
FROM sets;

DROP TABLE calendar;
RESET search_path;
