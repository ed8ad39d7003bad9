-- availability.book: an INSERT with the caller's rights, into whatever columns the claim reads.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_book;
SET search_path = booking_book;
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || message || CASE WHEN hint <> '' THEN ' (' || hint || ')' ELSE '' END;
END
$$;

CREATE TABLE listings (id bigint PRIMARY KEY);
INSERT INTO listings SELECT generate_series(1, 9);
CREATE TABLE reservations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL REFERENCES listings, stay daterange,
    guest varchar(10), price numeric(8,2), "odd {name}" text DEFAULT 'none', nights int GENERATED ALWAYS AS (upper(stay) - lower(stay)) STORED,
    status text NOT NULL DEFAULT 'confirmed');
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);

-- literals, numbers, and the parameters of drivers, typed and not
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)');
SELECT reservation_id, replayed FROM availability.book('reservations', '1', '[2027-01-03,2027-01-05)');
SELECT reservation_id, replayed FROM availability.book('reservations', 1::smallint, daterange('2027-01-05', '2027-01-06'));
SELECT reservation_id, replayed FROM availability.book('reservations', '1'::varchar, '[2027-01-06,2027-01-06]');
PREPARE untyped AS SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
EXECUTE untyped('reservations', '1', '[2027-01-07,2027-01-08)', NULL, '{}');
PREPARE typed(regclass, bigint, daterange) AS SELECT reservation_id, replayed FROM availability.book($1, $2, $3);
EXECUTE typed('reservations', 1, '[2027-01-08,2027-01-09)');
SELECT (availability.book(reservations => 'reservations', listing => 2, stay => '[2027-01-01,2027-01-03)', attributes => NULL)).reservation_id;
SELECT * FROM availability.book('reservations', 3, '[2027-01-01,2027-01-03)') \gset
SELECT version = :version AS version_is_the_calendars, booked, reservation_id = :reservation_id AS is_its_reservation FROM reservations_calendar WHERE listing_id = 3;

-- attributes
SELECT reservation_id FROM availability.book('reservations', 4, '[2027-01-01,2027-01-03)', attributes => '{"guest": "Ann", "price": 12.345, "odd {name}": null}');
SELECT guest, price, "odd {name}", nights, status FROM reservations WHERE listing_id = 4;
SELECT state_of($$SELECT availability.book('reservations', 5, '[2027-01-01,2027-01-03)', attributes => '$$ || a || $$')$$)
FROM unnest(ARRAY['{"gust": "Ann"}', '{"stay": "[2028-01-01,2028-01-02)"}', '{"listing_id": 6}', '{"guest": "much too long a name"}', '{"price": "dear"}', '[1]', '"x"', '{"ctid": "(0,1)"}',
    '{"nights": 3}', '{"id": 1}', '{"a\u0022b": 1}', '{"status": "new"}', '{"status": null}', '{"": 1}', '{"guest": {"first": "A"}}']) AS a;
SELECT guest FROM reservations WHERE listing_id = 5;

-- what can't be booked
SELECT state_of('SELECT availability.book(' || a || ')') FROM unnest(ARRAY[
    $$'reservations', 1, '[2027-01-02,2027-01-04)'$$, $$'reservations', 99, '[2027-01-02,2027-01-04)'$$, $$'reservations', 'x', '[2027-01-02,2027-01-04)'$$,
    $$'reservations', '0b9c0c3e-6a8a-4a37-93b1-f3f6a2b1c0de'::uuid, '[2027-01-02,2027-01-04)'$$, $$'reservations', 7, 'empty'$$, $$'reservations', 7, '[2027-01-01,)'$$, $$'reservations', 7, '[1969-01-01,1970-02-01)'$$,
    $$'reservations', NULL::bigint, '[2027-01-01,2027-01-02)'$$, $$'reservations', 7, NULL$$, $$NULL, 7, '[2027-01-01,2027-01-02)'$$, $$'listings', 7, '[2027-01-01,2027-01-02)'$$,
    $$0, 7, '[2027-01-01,2027-01-02)'$$, $$'reservations_calendar', 7, '[2027-01-01,2027-01-02)'$$, $$'reservations', 7, '[2027-01-01,2027-01-02)', ''$$, $$'reservations', 7, '[2027-01-01,2027-01-02)', repeat('k', 256)$$]) AS a;
\set SHOW_CONTEXT never
DO $$ BEGIN PERFORM availability.book('reservations', 1, '[2027-01-02,2027-01-04)'); EXCEPTION WHEN unique_violation THEN
    DECLARE c text; t text; d text; BEGIN GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME, t = TABLE_NAME, d = PG_EXCEPTION_DETAIL; RAISE EXCEPTION '% % %', c, t, d; END; END $$;
SELECT count(*) FROM availability.verify('reservations');

-- where the stay goes
CREATE DOMAIN nights AS daterange CHECK (upper(VALUE) - lower(VALUE) < 30);
CREATE TABLE with_domain (id text PRIMARY KEY DEFAULT gen_random_uuid(), listing_id varchar(5), stay nights, state boolean NOT NULL DEFAULT true);
CREATE TABLE with_dates (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), room uuid, "from" date, till date);
CREATE TABLE with_turnover (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id smallint, check_in date, check_out date);
CREATE TABLE with_flags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text, a date, b date);
SELECT availability.track('with_domain', active => 'state'), availability.track('with_dates', listing => 'room', stay => 'daterange("from", till)'),
    availability.track('with_turnover', stay => 'daterange(check_in, check_out + 1)'), availability.track('with_flags', stay => $$daterange(a, b, '[)')$$);
SELECT availability.book('with_domain', 'a', '[2027-01-01,2027-01-03)') IS NOT NULL, availability.book('with_domain', 7, '[2027-01-01,2027-01-03)') IS NOT NULL,
    availability.book('with_dates', '0b9c0c3e-6a8a-4a37-93b1-f3f6a2b1c0de', '[2027-01-01,2027-01-03)') IS NOT NULL,
    availability.book('with_turnover', 1, '[2027-01-01,2027-01-03)') IS NOT NULL, availability.book('with_flags', 'x', '[2027-01-01,2027-01-03)') IS NOT NULL;
SELECT listing_id, stay FROM with_domain ORDER BY 1;
SELECT room, "from", till FROM with_dates;
SELECT listing_id, booked FROM with_turnover_calendar;
SELECT listing_id, a, b FROM with_flags;
SELECT state_of($$SELECT availability.book('with_domain', 'a', '[2027-02-01,2027-04-01)')$$);
SELECT state_of($$SELECT availability.book('with_domain', 'abcdef', '[2027-02-01,2027-02-02)')$$);
SELECT state_of($$SELECT availability.book('with_turnover', 100000, '[2027-02-01,2027-02-02)')$$);
SELECT count(*) FROM unnest(ARRAY['with_domain', 'with_dates', 'with_turnover', 'with_flags']) AS t, LATERAL availability.verify(t::regclass);

-- where it can't be told
CREATE TABLE untold (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, check_in date, check_out date, t1 timestamptz, t2 timestamptz, a date, r daterange);
SELECT l, s, state_of(format($do$DO $$ BEGIN PERFORM availability.track('untold', listing => %L, stay => %L); PERFORM availability.book('untold', 1, '[2027-01-01,2027-01-03)'); RAISE 'booked'; END $$ $do$, l, s))
FROM (VALUES ('listing_id', $$availability.stay_days(t1, t2, 'Europe/Brussels')$$), ('listing_id', $$daterange(check_in, check_out, '[]')$$), ('listing_id', 'daterange(a, a + 1)'), ('listing_id', 'daterange(a, check_out)'),
    ('listing_id', 'daterange(check_in, check_in + 3)'), ('listing_id', 'daterange(check_in, a + 1)'), ('listing_id + 1', 'r'), ('listing_id::bigint', 'r'), ('listing_id', 'r'), ('listing_id', 'CASE WHEN check_in IS NULL THEN r END')) AS v (l, s);

-- triggers of the table's own: one that changes the row, one that books beside it, one that refuses
CREATE TABLE stays (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, note text, is_cleaning boolean NOT NULL DEFAULT false);
SELECT availability.track('stays');
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql SET search_path = booking_book AS $$
BEGIN
    IF NEW.note = 'longer' THEN NEW.stay := daterange(lower(NEW.stay), upper(NEW.stay) + 1); END IF;
    IF NEW.note = 'other' THEN NEW.listing_id := 9; END IF;
    IF NEW.note = 'none' THEN RETURN NULL; END IF;
    IF NEW.note = 'cleaned' AND NOT NEW.is_cleaning THEN INSERT INTO stays (listing_id, stay, is_cleaning) VALUES (NEW.listing_id, daterange(upper(NEW.stay), upper(NEW.stay) + 1), true); END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rewrite BEFORE INSERT ON stays FOR EACH ROW EXECUTE FUNCTION rewrite();
SELECT reservation_id FROM availability.book('stays', 1, '[2027-01-01,2027-01-03)', attributes => '{"note": "longer"}');
SELECT reservation_id FROM availability.book('stays', 1, '[2027-01-01,2027-01-03)', attributes => '{"note": "other"}');
SELECT state_of($$SELECT availability.book('stays', 1, '[2027-02-01,2027-02-03)', attributes => '{"note": "none"}')$$);
SELECT reservation_id FROM availability.book('stays', 1, '[2027-02-01,2027-02-03)', attributes => '{"note": "cleaned"}');
SELECT * FROM stays ORDER BY id;
SELECT listing_id, booked FROM stays_calendar ORDER BY 1;
SELECT count(*) FROM availability.verify('stays');

-- a booking within a trigger within a booking
CREATE TABLE parking (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, stay_id int);
SELECT availability.track('parking');
CREATE FUNCTION park() RETURNS trigger LANGUAGE plpgsql SET search_path = booking_book AS $$
BEGIN
    IF NEW.note = 'park' THEN PERFORM availability.book('parking', 1, NEW.stay, 'parking-' || NEW.id, jsonb_build_object('stay_id', NEW.id)); END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER park AFTER INSERT ON stays FOR EACH ROW EXECUTE FUNCTION park();
SELECT reservation_id FROM availability.book('stays', 2, '[2027-01-01,2027-01-03)', attributes => '{"note": "park"}');
SELECT state_of($$SELECT availability.book('stays', 3, '[2027-01-01,2027-01-03)', attributes => '{"note": "park"}')$$);
SELECT * FROM parking;
SELECT reservation_id FROM availability.book('stays', 3, '[2027-01-01,2027-01-03)');

-- partitions
CREATE TABLE years (id int, listing_id int, check_in date, check_out date, PRIMARY KEY (id, check_in)) PARTITION BY RANGE (check_in);
CREATE TABLE years_2027 PARTITION OF years FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE years_2028 (check_out date, listing_id int, gone int, id int NOT NULL, check_in date NOT NULL);
ALTER TABLE years_2028 DROP COLUMN gone;
ALTER TABLE years ATTACH PARTITION years_2028 FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
SELECT availability.track('years', key => 'id');
SELECT reservation_id FROM availability.book('years', 1, '[2027-12-30,2028-01-02)', attributes => '{"id": 1}');
SELECT reservation_id FROM availability.book('years', 1, '[2028-12-30,2029-01-02)', attributes => '{"id": 2}');
SELECT state_of($$SELECT availability.book('years', 1, '[2029-12-30,2030-01-02)', attributes => '{"id": 3}')$$);
SELECT state_of($$SELECT availability.book('years_2027', 1, '[2027-11-30,2027-12-02)', attributes => '{"id": 3}')$$);
SELECT reservation_id, replayed FROM availability.move('years', 1, '[2028-03-01,2028-03-02)');
SELECT tableoid::regclass, * FROM years ORDER BY id;
SELECT listing_id, booked, change, stay, was FROM years_calendar;
SELECT reservation_id FROM availability.cancel('years', 1);
SELECT count(*) FROM availability.verify('years');

\set VERBOSITY terse
DROP SCHEMA booking_book CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
