-- What is no tracked table, no hold, no number: an error that says so, of no internal kind.
SET client_min_messages = warning;
CREATE SCHEMA booking_unknown;
SET search_path = booking_unknown;
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
CREATE TABLE untracked (LIKE reservations);
SELECT availability.track('reservations');
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'null');
EXCEPTION WHEN others THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT t, f, state_of(format('SELECT availability.' || f, t)) FROM unnest(ARRAY['NULL', '0', '1', '4294967295', '''pg_class''', '''untracked''', '''reservations_calendar''', '''reservations_pkey''']) WITH ORDINALITY AS tables (t, n),
    unnest(ARRAY['book(%s, 1, ''[2027-01-01,2027-01-02)'')', 'move(%s, 1, ''[2027-01-01,2027-01-02)'')', 'cancel(%s, 1)', 'hold(%s, 1, ''[2027-01-01,2027-01-02)'')', 'confirm(%s, ''01a21237-e814-839e-999b-417affffffff'')',
        'release(''01a21237-e814-839e-999b-417affffffff'', %s)', 'sweep(%s)', 'expire_keys(%s)', 'set_limits(%s)']) WITH ORDINALITY AS functions (f, m)
WHERE t <> 'NULL' OR f !~ '^(release|expire)'
ORDER BY n, m;
SELECT i, state_of(format('SELECT availability.release(%s)', i)) FROM unnest(ARRAY['NULL', '''00000000-0000-0000-0000-000000000000''', '''ffffffff-ffff-ffff-ffff-ffffffffffff''', '''x''', '''''', '1', '''01a21237-e814-839e-999b-417affffffff''']) AS i;
SELECT i, state_of(format('SELECT availability.confirm(''reservations'', %s)', i)) FROM unnest(ARRAY['''00000000-0000-0000-0000-000000000000''', '''ffffffff-ffff-ffff-ffff-ffffffffffff''', '''00000000-0000-8000-8000-000000000000''', '''ffffffff-ffff-8fff-bfff-ffffffffffff''']) AS i;
SELECT state_of(format($$SELECT availability.hold('reservations', 1, '[2027-01-01,2027-01-02)', %L)$$, i)) FROM unnest(ARRAY['', 'x', '1 day ago', '178000000 years', '2147483647 days', '0.0001 ms', '1 month']) AS i;
DROP SCHEMA booking_unknown CASCADE;
