-- The bounds of holds: what the owner of a table lets a hold be.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
\set VERBOSITY terse
CREATE SCHEMA booking_limits;
SET search_path = booking_limits;
CREATE ROLE regress_limits_owner;
CREATE ROLE regress_limits_booker;
CREATE ROLE regress_limits_other;
GRANT USAGE, CREATE ON SCHEMA booking_limits TO regress_limits_owner;
GRANT USAGE ON SCHEMA booking_limits TO PUBLIC;
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;
SET ROLE regress_limits_owner;
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('reservations');
GRANT INSERT ON reservations TO regress_limits_booker, regress_limits_other;
RESET ROLE;
SELECT max_hold_ttl, max_stay, max_holds FROM availability.tracked;

-- those of a new table
SET ROLE regress_limits_booker;
SELECT state_of(format($$SELECT availability.hold('reservations', %s)$$, a)) FROM unnest(ARRAY[
    $$1, '[2027-01-01,2027-01-02)', '1 hour'$$, $$2, '[2027-01-01,2027-01-02)', '1 hour 1 ms'$$, $$2, '[2027-01-01,2027-01-02)', '8000 years'$$, $$2, '[2027-01-01,2027-01-02)', '8925 years'$$, $$2, '[2027-01-01,2027-01-02)', '290000 years'$$,
    $$3, '[2027-01-01,2028-01-02)'$$, $$4, '[2027-01-01,2028-01-03)'$$, $$4, '[1970-01-01,2149-06-07)'$$]) AS a;
SELECT count(*) AS held FROM generate_series(0, 99) AS n, LATERAL availability.hold('reservations', 5, daterange(date '2027-01-01' + n, date '2027-01-02' + n)) AS hold;
SELECT state_of($$SELECT availability.hold('reservations', 5, '[2028-01-01,2028-01-02)')$$);
SELECT state_of($$SELECT availability.hold('reservations', 6, '[2028-01-01,2028-01-02)')$$);
-- not the other's: neither counts for the other
SET ROLE regress_limits_other;
SELECT state_of($$SELECT availability.hold('reservations', 5, '[2028-01-01,2028-01-02)')$$);
RESET ROLE;
-- what has refused a hold has left nothing
SELECT listing_id, availability.booked_days(booked) FROM reservations_calendar ORDER BY 1;
SELECT holder, listing_id, count(*) FROM reservations_hold GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM availability.verify('reservations');

-- who sets them, and to what
SET ROLE regress_limits_booker;
SELECT state_of($$SELECT availability.set_limits('reservations', '10 years')$$);
SELECT state_of($$UPDATE availability.tracked SET max_hold_ttl = NULL$$);
RESET ROLE;
SET ROLE regress_limits_owner;
SELECT state_of(format($$SELECT availability.set_limits(%s)$$, a)) FROM unnest(ARRAY[
    $$NULL$$, $$0$$, $$4294967295$$, $$'pg_class'$$, $$'reservations_hold'$$, $$'reservations', '0'$$, $$'reservations', '-1 s'$$, $$'reservations', max_stay => 0$$, $$'reservations', max_holds => -1$$]) AS a;
SELECT availability.set_limits('reservations', '2 minutes', 7, 1);
SELECT max_hold_ttl, max_stay, max_holds FROM availability.tracked;
SELECT state_of(format($$SELECT availability.hold('reservations', %s)$$, a)) FROM unnest(ARRAY[
    $$11, '[2027-01-01,2027-01-08)', '2 minutes'$$, $$12, '[2027-01-01,2027-01-02)'$$, $$12, '[2027-01-01,2027-01-09)', '1 minute'$$, $$11, '[2027-02-01,2027-02-02)', '1 minute'$$]) AS a;
-- a booking is bounded by the table's own constraints
SELECT state_of($$SELECT availability.book('reservations', 13, '[2027-01-01,2037-01-01)')$$);
-- an expired hold, a released one and a confirmed one don't count
UPDATE reservations_hold SET expires_at = now() WHERE listing_id = 11;
SELECT availability.hold('reservations', 11, '[2027-02-01,2027-02-02)', '1 minute') AS hold \gset
SELECT availability.release(:'hold');
SELECT availability.hold('reservations', 11, '[2027-03-01,2027-03-02)', '1 minute') AS hold \gset
SELECT state_of($$SELECT availability.hold('reservations', 11, '[2027-04-01,2027-04-02)', '1 minute')$$);
SELECT replayed FROM availability.confirm('reservations', :'hold');
SELECT state_of($$SELECT availability.hold('reservations', 11, '[2027-04-01,2027-04-02)', '1 minute')$$);
-- within one transaction, and under a lasting snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT state_of($$SELECT availability.hold('reservations', 14, '[2027-04-01,2027-04-02)', '1 minute')$$);
SELECT state_of($$SELECT availability.hold('reservations', 14, '[2027-05-01,2027-05-02)', '1 minute')$$);
COMMIT;
-- none
SELECT availability.set_limits('reservations', max_holds => 0);
SELECT state_of($$SELECT availability.hold('reservations', 15, '[2027-04-01,2027-04-02)')$$);
-- any
SELECT availability.set_limits('reservations', NULL, NULL, NULL);
SELECT state_of(format($$SELECT availability.hold('reservations', %s)$$, a)) FROM unnest(ARRAY[
    $$16, '[2027-01-01,2047-01-02)', '8000 years'$$, $$16, '[2047-01-02,2047-01-03)', '8800 years'$$, $$16, '[2048-01-02,2048-01-03)', '8900 years'$$]) AS a;
SELECT count(*) AS confirmed FROM (SELECT state_of(format($$SELECT availability.confirm('reservations', %L)$$, hold_id)) AS state FROM reservations_hold WHERE listing_id = 16) AS s WHERE state = 'done';
-- back
SELECT availability.set_limits('reservations');
RESET ROLE;
SELECT max_hold_ttl, max_stay, max_holds FROM availability.tracked;
SELECT count(*) FROM availability.verify('reservations');

DROP SCHEMA booking_limits CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
DROP ROLE regress_limits_owner, regress_limits_booker, regress_limits_other;
