-- Laws over generated sets, with datemultirange as the model. Each query counts what breaks one of its laws.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;
SELECT setseed(0.2026) \gset

-- The corners, sets of runs, sets of single days.
CREATE TABLE model (id int GENERATED ALWAYS AS IDENTITY, m datemultirange, d dayset);
INSERT INTO model (m) VALUES ('{}'), ('{[1970-01-01,2149-06-07)}'), ('{[1970-01-01,1970-01-02)}'), ('{[2149-06-06,2149-06-07)}'),
    ('{[1970-01-01,1970-01-02),[2149-06-06,2149-06-07)}'), ('{[1970-01-02,2149-06-06)}');
INSERT INTO model (m) SELECT random_days(12, 30, 1200) FROM generate_series(1, 25);
INSERT INTO model (m) SELECT random_days(60, 2, 300) FROM generate_series(1, 15);
INSERT INTO model (m) SELECT random_days(6, 400, 2000) FROM generate_series(1, 8);
UPDATE model SET d = m::dayset;
-- Every other day of many years is a bitset.
INSERT INTO model (m, d)
SELECT range_agg(daterange(day, day + 1)), dayset_agg(day) FROM generate_series(0, 9000, 2) AS n, LATERAL (SELECT date '1980-01-01' + n) AS x (day);

CREATE TABLE span (id int GENERATED ALWAYS AS IDENTITY, r daterange);
INSERT INTO span (r) VALUES ('empty'), ('(,)'), ('(,2026-06-01)'), ('[2026-06-01,)'), ('[1900-01-01,2300-01-01)'), ('[1970-01-01,2149-06-07)'),
    ('[1970-01-01,1970-01-02)'), ('[2149-06-06,2149-06-07)'), ('[1960-01-01,1970-01-01)'), ('[2149-06-07,2150-01-01)');
INSERT INTO span (r)
SELECT daterange(day, day + 1 + floor(random() * random() * 200)::int)
FROM (SELECT date '2026-01-01' + floor(random() * 1500)::int AS day FROM generate_series(1, 50)) AS s;

-- one set
SELECT count(*) AS sets,
       count(*) FILTER (WHERE d::datemultirange <> m) AS by_range,
       count(*) FILTER (WHERE d::text <> m::text) AS by_text,
       count(*) FILTER (WHERE d::text::dayset <> d) AS text_round_trip,
       count(*) FILTER (WHERE d::bytea::dayset <> d OR d::bytea::dayset::bytea <> d::bytea) AS binary_round_trip,
       count(*) FILTER (WHERE d::date[]::dayset <> d OR cardinality(d::date[]) <> booked_days(d)) AS date_round_trip,
       count(*) FILTER (WHERE (SELECT coalesce(range_agg(daterange((e ->> 0)::date, (e ->> 1)::date)), '{}') FROM jsonb_array_elements(d::jsonb) AS e) <> m) AS by_json,
       count(*) FILTER (WHERE booked_days(d) <> (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(m) AS r)) AS booked_days,
       count(*) FILTER (WHERE first_day(d) IS DISTINCT FROM lower(m) OR last_day(d) IS DISTINCT FROM upper(m) - 1) AS ends,
       count(*) FILTER (WHERE is_empty(d) <> isempty(m)) AS emptiness
FROM model;

-- two sets
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (a.d + b.d)::datemultirange <> a.m + b.m) AS plus,
       count(*) FILTER (WHERE (a.d - b.d)::datemultirange <> a.m - b.m) AS minus,
       count(*) FILTER (WHERE (a.d * b.d)::datemultirange <> a.m * b.m) AS times,
       count(*) FILTER (WHERE (a.d + b.d) - b.d <> a.d - b.d) AS add_and_take,
       count(*) FILTER (WHERE a.d - (a.d - b.d) <> a.d * b.d) AS take_twice,
       count(*) FILTER (WHERE (a.d @> b.d) <> (a.m @> b.m)) AS contains,
       count(*) FILTER (WHERE (a.d && b.d) <> (a.m && b.m) OR (a.d !&& b.d) = (a.m && b.m)) AS overlaps,
       count(*) FILTER (WHERE (a.d = b.d) <> (a.m = b.m) OR (a.d < b.d) <> (a.m < b.m) OR (a.d <= b.d) <> (a.m <= b.m)) AS ordered,
       count(*) FILTER (WHERE sign(dayset_cmp(a.d, b.d)) <> -sign(dayset_cmp(b.d, a.d))) AS antisymmetry,
       count(*) FILTER (WHERE a.d = b.d AND dayset_hash(a.d) <> dayset_hash(b.d)) AS hashed
FROM model a, model b;

-- a set and a range
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (d - r)::datemultirange <> m - r::datemultirange) AS minus,
       count(*) FILTER (WHERE (d * r)::datemultirange <> m * r::datemultirange) AS times,
       count(*) FILTER (WHERE (d @> r) <> (m @> r)) AS contains,
       count(*) FILTER (WHERE (d && r) <> (m && r) OR (d !&& r) = (m && r)) AS overlaps,
       count(*) FILTER (WHERE booked_days(d, r) <> (SELECT coalesce(sum(upper(x) - lower(x)), 0) FROM unnest(m * r::datemultirange) AS x)) AS booked_days
FROM model, span;

-- a set and a range of supported days
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (d + r)::datemultirange <> m + r::datemultirange) AS plus,
       count(*) FILTER (WHERE booked_days(d, r) + open_days(d, r) <> CASE WHEN isempty(r) THEN 0 ELSE upper(r) - lower(r) END) AS open_days,
       count(*) FILTER (WHERE (SELECT coalesce(range_agg(gap), '{}') FROM gaps(d, r) AS gap) <> r::datemultirange - m) AS gaps,
       count(*) FILTER (WHERE ARRAY(SELECT gaps(d, r, 4)) <> ARRAY(SELECT g FROM unnest(r::datemultirange - m) AS g WHERE upper(g) - lower(g) >= 4)) AS long_gaps
FROM model, span WHERE r <@ daterange '[1970-01-01,2149-06-07)';

-- a set and a stay
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE is_available(d, r) = (m && r)) AS available,
       count(*) FILTER (WHERE is_booked(d, r) <> (m && r)) AS booked,
       count(*) FILTER (WHERE occupancy(d, r) <> booked_days(d, r)::float8 / (upper(r) - lower(r))) AS occupancy,
       count(*) FILTER (WHERE next_gap(d, lower(r), upper(r) - lower(r)) IS DISTINCT FROM
                              (SELECT g FROM unnest(datemultirange(daterange(lower(r), '2149-06-07')) - m) AS g
                               WHERE upper(g) - lower(g) >= upper(r) - lower(r) ORDER BY g LIMIT 1)) AS next_gap
FROM model, span WHERE r <@ daterange '[1970-01-01,2149-06-07)' AND NOT isempty(r);

-- a set and a day
SELECT count(*) AS pairs, count(*) FILTER (WHERE (d @> day) <> (m @> day)) AS contains
FROM model, generate_series(0, 1300, 7) AS n, LATERAL (SELECT date '2025-12-25' + n) AS x (day);

DROP TABLE model, span;
RESET search_path;
