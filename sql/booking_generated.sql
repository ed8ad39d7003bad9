-- Generated columns: the functions write what a stay is generated from, or say that they can't.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_generated;
SET search_path = booking_generated;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE TABLE of_dates (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, check_in date, check_out date,
    stay daterange GENERATED ALWAYS AS (daterange(check_in, check_out)) STORED, active boolean NOT NULL DEFAULT true);
CREATE TABLE of_range (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, nights daterange, stay daterange GENERATED ALWAYS AS (nights) STORED);
CREATE TABLE of_turnover (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, check_in date, check_out date, cleaned date GENERATED ALWAYS AS (check_out + 1) STORED);
SELECT availability.track('of_dates', active => 'active'), availability.track('of_range'), availability.track('of_turnover', stay => 'daterange(check_in, cleaned)');
SELECT t, (availability.book(t, 1, '[2027-01-01,2027-01-03)')).reservation_id FROM unnest('{of_dates,of_range,of_turnover}'::regclass[]) AS t;
SELECT t, (availability.move(t, 1, '[2027-01-02,2027-01-04)')).reservation_id FROM unnest('{of_dates,of_range,of_turnover}'::regclass[]) AS t;
SELECT t, (availability.confirm(t, availability.hold(t, 2, '[2027-01-02,2027-01-04)'))).reservation_id FROM unnest('{of_dates,of_range,of_turnover}'::regclass[]) AS t;
SELECT listing_id, check_in, check_out, stay FROM of_dates ORDER BY id;
SELECT listing_id, nights, stay FROM of_range ORDER BY id;
SELECT listing_id, check_in, check_out, cleaned FROM of_turnover ORDER BY id;
SELECT t, count(v.kind) FROM unnest('{of_dates,of_range,of_turnover}'::regclass[]) AS t LEFT JOIN LATERAL availability.verify(t) AS v ON true GROUP BY t ORDER BY t;
-- what it is generated from is the stay
SELECT availability.book('of_dates', 1, '[2027-02-01,2027-02-03)', attributes => '{"check_in": "2027-02-02"}');
SELECT availability.book('of_dates', 1, '[2027-02-01,2027-02-03)', attributes => '{"stay": "[2027-02-02,2027-02-03)"}');

-- where it can't be told
CREATE TABLE untold (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, unit int, house int GENERATED ALWAYS AS (unit / 100) STORED, check_in date, nights int, from_day date, till date,
    check_out date GENERATED ALWAYS AS (check_in + nights) STORED, stay daterange GENERATED ALWAYS AS (daterange(from_day, till, '[]')) STORED);
CREATE FUNCTION told(listing text, stay text, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM availability.track('untold', listing => listing, stay => stay);
    EXECUTE 'SELECT ' || call;
    RAISE 'done';
EXCEPTION WHEN others THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT listing, stay, told(listing, stay, $$availability.book('untold', 1, '[2027-01-01,2027-01-03)')$$), told(listing, stay, $$availability.move('untold', 1, '[2027-01-01,2027-01-03)')$$),
    told(listing, stay, $$availability.hold('untold', 1, '[2027-01-01,2027-01-03)')$$)
FROM (VALUES ('listing_id', 'stay'), ('listing_id', 'daterange(check_in, check_out)'), ('listing_id', 'daterange(check_in, check_out + 1)'), ('house', 'daterange(from_day, till)'), ('listing_id', 'daterange(from_day, till)')) AS v (listing, stay);

DROP SCHEMA booking_generated CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
