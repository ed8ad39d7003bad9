-- Idempotency keys: one booking, one answer; none for what failed.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA booking_keys;
SET search_path = booking_keys;
\set VERBOSITY terse
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, guest text);
CREATE TABLE others (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, guest text);
SELECT availability.track('reservations'), availability.track('others');

SELECT * FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'k') \gset first_
SELECT reservation_id = :'first_reservation_id' AND version = :first_version AS same_answer, replayed FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'k');
-- the same request in other words
SELECT reservation_id, replayed FROM availability.book('reservations', '01', daterange('2027-01-01', '2027-01-02', '[]'), 'k', '{}');
SELECT replayed FROM availability.book('reservations', 1, '[2027-04-01,2027-04-03)', 'values', '{"guest": "Ann"}');
SET datestyle = 'SQL, DMY';
SELECT replayed FROM availability.book('reservations', 1, daterange('01/04/2027', '03/04/2027'), 'values', '{"guest" : "\u0041nn"}');
SET datestyle = 'German';
SELECT replayed FROM availability.book('reservations', 1, '[2027-04-01,2027-04-03)', 'values', '{"guest":"x", "guest":"Ann"}');
SET datestyle = 'ISO, YMD';
CREATE TABLE priced (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, price numeric, extras jsonb);
SELECT availability.track('priced');
SELECT replayed FROM availability.book('priced', 1, '[2027-01-01,2027-01-03)', 'price', '{"price": 1.0, "extras": {"a": [1.50, 0, {"b": 1e2}], "c": "1.0"}}');
SELECT a, availability.book('priced', 1, '[2027-01-01,2027-01-03)', 'price', a) IS NOT NULL AS same FROM unnest(ARRAY['{"price": 1.00, "extras": {"a": [1.5, 0.000, {"b": 100}], "c": "1.0"}}', '{"extras": {"c": "1.0", "a": [1.500, -0.0, {"b": 100.0}]}, "price": 1}']::jsonb[]) AS a;
\set SHOW_CONTEXT never
DO $$
DECLARE
    a jsonb;
BEGIN
    FOREACH a IN ARRAY ARRAY['{"price": 1.01, "extras": {"a": [1.5, 0, {"b": 100}], "c": "1.0"}}', '{"price": "1", "extras": {"a": [1.5, 0, {"b": 100}], "c": "1.0"}}', '{"price": 1, "extras": {"a": [1.5, 0, {"b": 100}], "c": "1.00"}}',
        '{"price": 1, "extras": {"a": [0, 1.5, {"b": 100}], "c": "1.0"}}', '{"price": 1}', '{"price": 1, "extras": {"a": [1.5, 0, [{"b": 100}]], "c": "1.0"}}']::jsonb[]
    LOOP
        BEGIN
            PERFORM availability.book('priced', 1, '[2027-01-01,2027-01-03)', 'price', a);
        EXCEPTION WHEN SQLSTATE 'RV001' THEN RAISE WARNING 'another request: %', a;
        END;
    END LOOP;
END
$$;
SELECT count(*), min(price) AS price FROM priced;
-- other requests
SELECT availability.book('reservations', 2, '[2027-01-01,2027-01-03)', 'k');
SELECT availability.book('reservations', 1, '[2027-01-01,2027-01-04)', 'k');
SELECT availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'k', '{"guest": "Ann"}');
SELECT availability.cancel('reservations', 1, 'k');
SELECT availability.move('reservations', 1, '[2027-01-01,2027-01-03)', 'k');
DO $$ BEGIN PERFORM availability.cancel('reservations', 1, 'k'); EXCEPTION WHEN SQLSTATE 'RV001' THEN RAISE WARNING 'RV001'; END $$;
-- keys are a table's own
SELECT reservation_id, replayed FROM availability.book('others', 1, '[2027-01-01,2027-01-03)', 'k');
-- the answer outlives the reservation
DELETE FROM reservations WHERE id = 1;
SELECT reservation_id, replayed FROM availability.book('reservations', 1, '[2027-01-01,2027-01-03)', 'k');

-- a failed booking stores no key, in a transaction or in a part of one
SELECT reservation_id FROM availability.book('reservations', 3, '[2027-01-01,2027-01-03)');
SELECT availability.book('reservations', 3, '[2027-01-02,2027-01-04)', 'failed');
SELECT reservation_id, replayed FROM availability.book('reservations', 3, '[2027-01-03,2027-01-04)', 'failed');
BEGIN;
SELECT replayed FROM availability.book('reservations', 4, '[2027-01-03,2027-01-04)', 'rolled back');
SELECT replayed FROM availability.book('reservations', 4, '[2027-01-03,2027-01-04)', 'rolled back');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT replayed FROM availability.book('reservations', 4, '[2027-01-03,2027-01-04)', 'rolled back');
ROLLBACK TO s;
SELECT replayed FROM availability.book('reservations', 4, '[2027-01-04,2027-01-05)', 'rolled back');
COMMIT;
SELECT key FROM reservations_request ORDER BY key;

-- keys of the other functions
SELECT reservation_id AS id FROM availability.book('reservations', 5, '[2027-01-01,2027-01-03)') \gset
SELECT replayed FROM availability.move('reservations', :id, '[2027-01-02,2027-01-04)', 'move');
UPDATE reservations SET stay = '[2027-03-01,2027-03-02)' WHERE id = :id;
SELECT replayed FROM availability.move('reservations', :id, '[2027-01-02,2027-01-04)', 'move');
SELECT replayed FROM availability.cancel('reservations', :id, 'cancel');
SELECT replayed FROM availability.cancel('reservations', :id, 'cancel');
SELECT availability.cancel('reservations', :id);
SELECT availability.hold('reservations', 5, '[2027-01-01,2027-01-03)') AS hold \gset
SELECT replayed FROM availability.confirm('reservations', :'hold', '{"guest": "Bob"}', 'confirm');
SELECT replayed FROM availability.confirm('reservations', :'hold', '{"guest": "Bob"}', 'confirm');
SELECT availability.confirm('reservations', :'hold', '{"guest": "Bo"}', 'confirm');
SELECT listing_id, stay, guest FROM reservations WHERE listing_id = 5;

-- keys of any characters
SELECT replayed FROM availability.book('reservations', 6, '[2027-01-01,2027-01-03)', repeat('ü', 255));
SELECT replayed FROM availability.book('reservations', 6, '[2027-01-01,2027-01-03)', repeat('ü', 255));

-- expiry: in passing, and all at once; an expired key may be used again for anything
SHOW availability.idempotency_retention;
SET availability.idempotency_retention = '2h';
SELECT replayed FROM availability.book('reservations', 7, '[2027-01-01,2027-01-03)', 'two hours');
SELECT expires_at - now() BETWEEN '1h 59min' AND '2h 1min' AS two_hours FROM reservations_request WHERE key = 'two hours';
RESET availability.idempotency_retention;
\set VERBOSITY sqlstate
SET availability.idempotency_retention = 0;
\set VERBOSITY terse
SET availability.retention = 1;
UPDATE reservations_request SET expires_at = now() - interval '1 second';
SELECT replayed FROM availability.book('reservations', 7, '[2027-02-01,2027-02-03)', 'two hours');
SELECT count(*) FROM reservations_request WHERE expires_at < now();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT replayed FROM availability.book('reservations', 7, '[2027-03-01,2027-03-03)', 'repeatable read');
SELECT replayed FROM availability.book('reservations', 7, '[2027-03-01,2027-03-03)', 'repeatable read');
COMMIT;
SELECT availability.expire_keys();
SELECT availability.expire_keys();
SELECT key FROM reservations_request ORDER BY key;
SELECT count(*) FROM availability.verify('reservations');

-- keys of roles: none can learn, prevent or take what another asked for
CREATE ROLE regress_keys_a;
CREATE ROLE regress_keys_b;
GRANT USAGE ON SCHEMA booking_keys TO regress_keys_a, regress_keys_b;
GRANT SELECT, INSERT, UPDATE ON reservations TO regress_keys_a, regress_keys_b;
SET ROLE regress_keys_a;
SELECT replayed FROM availability.book('reservations', 8, '[2027-01-01,2027-01-03)', 'of a role');
SELECT replayed FROM availability.book('reservations', 8, '[2027-01-01,2027-01-03)', 'of a role');
SET ROLE regress_keys_b;
SELECT availability.book('reservations', 8, '[2027-01-01,2027-01-03)', 'of a role');
SELECT replayed FROM availability.book('reservations', 9, '[2027-01-01,2027-01-03)', 'of a role');
SELECT replayed FROM availability.book('reservations', 9, '[2027-01-01,2027-01-03)', 'of a role');
SET ROLE regress_keys_a;
SELECT replayed FROM availability.book('reservations', 8, '[2027-01-01,2027-01-03)', 'of a role');
SELECT availability.book('reservations', 9, '[2027-01-01,2027-01-03)', 'of a role');
RESET ROLE;
SELECT booker, key FROM reservations_request WHERE key = 'of a role' ORDER BY 1;
-- a function of the owner's is one role for all who call it
CREATE FUNCTION book_for_them(listing int) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = booking_keys AS $$ SELECT replayed FROM availability.book('reservations', listing, '[2027-01-01,2027-01-03)', 'definer') $$;
SET ROLE regress_keys_a;
SELECT book_for_them(10);
SET ROLE regress_keys_b;
SELECT book_for_them(10);
RESET ROLE;
SELECT booker = current_user AS is_the_definers FROM reservations_request WHERE key = 'definer';

-- of one table, by who may write it
UPDATE reservations_request SET expires_at = now() - interval '1 second' WHERE key = 'of a role';
UPDATE others_request SET expires_at = now() - interval '1 second';
SET ROLE regress_keys_b;
SELECT availability.expire_keys('others');
SELECT availability.expire_keys('reservations');
SET client_min_messages = notice;
SELECT availability.expire_keys();
SET client_min_messages = warning;
RESET ROLE;
SELECT availability.expire_keys('others');
SELECT availability.expire_keys('priced'), availability.expire_keys(NULL);
SELECT availability.expire_keys(0);
SELECT availability.expire_keys(4294967295);
SELECT availability.expire_keys('pg_class');

-- a walk over all tables runs nobody's code, and says what it leaves out
CREATE FUNCTION sprung() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN OLD; END $$;
CREATE FUNCTION expression(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'evaluates'; RETURN $1; END $$;
SELECT replayed FROM availability.book('others', 2, '[2027-01-01,2027-01-03)', 'walked');
SELECT replayed FROM availability.book('priced', 2, '[2027-01-01,2027-01-03)', 'walked');
UPDATE reservations_request SET expires_at = now() - interval '1 second' WHERE key = 'definer';
UPDATE others_request SET expires_at = now() - interval '1 second';
UPDATE priced_request SET expires_at = now() - interval '1 second';
SELECT count(*) AS expired FROM (TABLE reservations_request UNION ALL TABLE others_request UNION ALL TABLE priced_request) AS r WHERE expires_at <= now();
CREATE TRIGGER sprung BEFORE DELETE ON others_request FOR EACH ROW EXECUTE FUNCTION sprung();
CREATE INDEX ON priced_request ((1)) WHERE expression('a') = 'a';
SELECT availability.expire_keys();
SELECT availability.expire_keys('others');
DROP TRIGGER sprung ON others_request;
SELECT replayed FROM availability.book('others', 3, '[2027-01-01,2027-01-03)', 'walked');
UPDATE others_request SET expires_at = now() - interval '1 second';
CREATE RULE sprung AS ON DELETE TO others_request DO ALSO SELECT 1;
DROP INDEX priced_request_expr_idx;
ALTER TABLE priced_request RENAME expires_at TO expiry;
SELECT availability.expire_keys();
DROP RULE sprung ON others_request;
DROP TABLE priced_request;
SELECT availability.expire_keys();

DROP SCHEMA booking_keys CASCADE;
DROP ROLE regress_keys_a, regress_keys_b;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
