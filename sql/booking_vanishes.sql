-- A booking that a trigger of the table's own undoes within the statement is none: nobody gets its key for an answer.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_vanishes;
SET search_path = booking_vanishes;
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, status text DEFAULT 'confirmed', note text);
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
CREATE FUNCTION after_change() RETURNS trigger LANGUAGE plpgsql SET search_path = booking_vanishes AS $$
BEGIN
    CASE NEW.note
        WHEN 'deletes' THEN DELETE FROM reservations WHERE id = NEW.id;
        WHEN 'cancels' THEN UPDATE reservations SET status = 'cancelled', note = NULL WHERE id = NEW.id;
        WHEN 'notes' THEN UPDATE reservations SET note = 'noted' WHERE id = NEW.id;
        WHEN 'lengthens' THEN UPDATE reservations SET stay = daterange(lower(stay), upper(stay) + 1), note = 'longer' WHERE id = NEW.id;
        WHEN 'replaces' THEN
            DELETE FROM reservations WHERE id = NEW.id;
            INSERT INTO reservations (id, listing_id, stay) OVERRIDING SYSTEM VALUE VALUES (NEW.id, NEW.listing_id, NEW.stay);
        WHEN 'adds' THEN INSERT INTO reservations (listing_id, stay) VALUES (NEW.listing_id + 100, NEW.stay);
        WHEN 'deletes others' THEN DELETE FROM reservations WHERE id <> NEW.id;
        ELSE NULL;
    END CASE;
    RETURN NULL;
END
$$;
CREATE TRIGGER after_change AFTER INSERT OR UPDATE ON reservations FOR EACH ROW EXECUTE FUNCTION after_change();
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; hint text;
BEGIN
    EXECUTE statement INTO result;
    RETURN 'done ' || result;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || ' ' || hint;
END
$$;
SELECT note, state_of(format($$SELECT reservation_id IS NOT NULL FROM availability.book('reservations', %s, '[2027-01-01,2027-01-03)', %L, jsonb_build_object('note', %L::text))$$, n, note, note))
FROM unnest(ARRAY['deletes', 'cancels', 'notes', 'lengthens', 'replaces', 'adds', 'deletes others', 'none']) WITH ORDINALITY AS v (note, n) ORDER BY n;
SELECT listing_id, stay, status, note FROM reservations ORDER BY listing_id;
SELECT key FROM reservations_request ORDER BY key;
SELECT id FROM reservations WHERE listing_id = 8 \gset
CREATE FUNCTION before_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := current_setting('booking_vanishes.note'); RETURN NEW; END $$;
CREATE TRIGGER before_change BEFORE UPDATE OF stay ON reservations FOR EACH ROW EXECUTE FUNCTION before_change();
SELECT note, set_config('booking_vanishes.note', note, false) IS NOT NULL AND true AS set, state_of(format($$SELECT reservation_id IS NOT NULL FROM availability.move('reservations', %s, daterange('2027-02-01', '2027-02-02') , %L)$$, :id, 'move ' || note))
FROM unnest(ARRAY['deletes', 'cancels', 'notes']) WITH ORDINALITY AS v (note, n) ORDER BY n;
SELECT listing_id, stay, status, note FROM reservations WHERE listing_id = 8;
SELECT count(*) FROM availability.verify('reservations');
-- a hold becomes a reservation or stays
SELECT availability.hold('reservations', 9, '[2027-01-01,2027-01-03)') AS hold \gset
SELECT state_of(format($$SELECT reservation_id IS NOT NULL FROM availability.confirm('reservations', %L, '{"note": "deletes"}')$$, :'hold'));
SELECT state_of(format($$SELECT reservation_id IS NOT NULL FROM availability.confirm('reservations', %L, '{"note": "notes"}')$$, :'hold'));
SELECT count(*) FROM availability.verify('reservations');

-- a partition's own trigger
CREATE TABLE years (id int, listing_id int, check_in date, check_out date, PRIMARY KEY (id, check_in)) PARTITION BY RANGE (check_in);
CREATE TABLE years_2027 PARTITION OF years FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
SELECT availability.track('years', key => 'id');
CREATE FUNCTION delete_year() RETURNS trigger LANGUAGE plpgsql SET search_path = booking_vanishes AS $$ BEGIN DELETE FROM years WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER delete_year AFTER INSERT ON years_2027 FOR EACH ROW EXECUTE FUNCTION delete_year();
SELECT state_of($$SELECT availability.book('years', 1, '[2027-12-30,2028-01-02)', attributes => '{"id": 1}')$$);
SELECT count(*) FROM availability.verify('years');

DROP SCHEMA booking_vanishes CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
