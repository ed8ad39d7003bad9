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

DROP SCHEMA booking_keys CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
