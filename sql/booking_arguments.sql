-- Booking functions take what drivers send, whatever they declare it to be.
SET client_min_messages = warning;
CREATE SCHEMA booking_arguments;
SET search_path = booking_arguments;

CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange, guest text);
CREATE TABLE named (id text PRIMARY KEY, listing_id varchar, check_in date, check_out date);
CREATE TABLE unique_ids (id uuid PRIMARY KEY, listing_id uuid, stay daterange);
SELECT availability.track(t) FROM unnest('{numbered,named,unique_ids}'::regclass[]) AS t;

-- One function each, so that none is ambiguous.
SELECT proname, count(*) FROM pg_proc
WHERE pronamespace = 'availability'::regnamespace AND proname IN ('book', 'move', 'cancel', 'hold', 'confirm', 'release')
GROUP BY 1 ORDER BY 1;

-- Every type that may be declared for a listing, by the column's type.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE 'SELECT ' || call INTO answer;
    RETURN 'booked ' || answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION pg_temp.answers(reservations text, attributes text, VARIADIC listings text[])
RETURNS TABLE (listing text, answer text) LANGUAGE sql AS $$
    SELECT l.listing, pg_temp.answer(format('(availability.book(%L, %s, daterange(%L, %L), attributes => %s)).reservation_id',
        reservations, l.listing, date '2027-01-01' + 2 * l.n::int, date '2027-01-02' + 2 * l.n::int, attributes))
    FROM unnest(listings) WITH ORDINALITY AS l (listing, n) ORDER BY l.n;
$$;
SELECT * FROM pg_temp.answers('numbered', $$'{}'$$,
    '1', '1::smallint', '1::bigint', '1::numeric', $$'1'$$, $$'1'::text$$, $$'1'::varchar$$, '1.5', $$'x'$$, $$'{1}'::int[]$$);
SELECT * FROM pg_temp.answers('named', $$json_build_object('id', (SELECT count(*) FROM named))$$,
    '1', '1::bigint', $$'house'$$, $$'house'::text$$, $$'house'::varchar$$, $$'00000000-0000-0000-0000-000000000001'::uuid$$);
SELECT listing, answer ~ '^booked ........-' AS booked FROM pg_temp.answers('unique_ids', $$jsonb_build_object('id', gen_random_uuid())$$,
    $$'00000000-0000-0000-0000-000000000001'$$, $$'{00000000-0000-0000-0000-000000000001}'::text$$,
    $$'00000000-0000-0000-0000-000000000001'::uuid$$, $$1$$);
SELECT listing_id, count(*) FROM unique_ids GROUP BY 1;

-- Every type that may be declared for a stay, for attributes, for an idempotency key.
PREPARE untyped AS SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
PREPARE varchars (varchar, varchar, varchar, varchar, varchar) AS
    SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
PREPARE texts (text, text, text, text, text) AS
    SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
PREPARE typed (regclass, bigint, daterange, text, jsonb) AS
    SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
PREPARE json (varchar, int, varchar, uuid, json) AS
    SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5);
SELECT parameter_types[2:] FROM pg_prepared_statements WHERE name = 'untyped';
EXECUTE untyped ('numbered', 7, '[2027-05-01,2027-05-02)', 'one key', '{"guest": "Ada"}');
-- These are one request.
EXECUTE varchars ('numbered', '7', '[2027-05-01,2027-05-01]', 'one key', '{"guest":"Ada"}');
EXECUTE texts ('booking_arguments.numbered', ' 7', '[2027-05-01,2027-05-02)', 'one key', '{"guest": "Ada"}');
EXECUTE typed ('numbered', 7, daterange('2027-05-01', '2027-05-02'), 'one key', '{"guest": "Ada"}');
EXECUTE json ('numbered', 7, '[2027-05-02,2027-05-03)', '00000000-0000-0000-0000-00000000000a', '{"guest": "Grace"}');
EXECUTE json ('numbered', 7, '[2027-05-02,2027-05-03)', '00000000-0000-0000-0000-00000000000A', '{"guest" : "Grace"}');
SELECT id, listing_id, stay, guest FROM numbered WHERE listing_id = 7 ORDER BY id;

-- What a request is does not depend on DateStyle, nor does a stay that is declared a range.
SET DateStyle = 'SQL, DMY';
EXECUTE typed ('numbered', 7, daterange('2027-05-01', '2027-05-02'), 'one key', '{"guest": "Ada"}');
SELECT reservation_id FROM availability.book('numbered', 7, daterange('2027-06-01', '2027-06-03'));
RESET DateStyle;
SELECT stay FROM numbered WHERE upper(stay) = '2027-06-03';

-- Holds and their times.
SELECT availability.hold('numbered', 8, '[2027-01-01,2027-01-03)', interval '1 hour') AS by_interval,
    availability.hold('numbered', 8::bigint, daterange('2027-02-01', '2027-02-03'), '1 hour') AS by_literal,
    availability.hold('numbered', '8'::varchar, '[2027-03-01,2027-03-03)'::varchar, '1 hour'::varchar) AS by_varchar,
    availability.hold('numbered', '8'::text, '[2027-04-01,2027-04-03)'::text) AS by_default \gset
SELECT count(*), count(*) FILTER (WHERE expires_at > now() + interval '50 minutes') AS of_an_hour FROM numbered_hold;
SELECT replayed FROM availability.confirm('numbered', :'by_interval'::uuid, '{"guest": "Ada"}'::jsonb);
SELECT replayed FROM availability.confirm('numbered', :'by_literal'::varchar, '{"guest": "Ada"}'::varchar, 'key'::varchar);
SELECT replayed FROM availability.confirm('numbered', :'by_literal'::uuid, '{"guest": "Ada"}'::json, 'key'::text);
SELECT availability.release(:'by_varchar'::varchar), availability.release(:'by_default'::uuid), availability.release(:'by_default');
SELECT count(*) FROM numbered_hold;

-- move and cancel.
PREPARE move (varchar, varchar, varchar, varchar) AS
    SELECT replayed FROM availability.move($1, $2, $3, $4);
SELECT id AS key FROM numbered WHERE listing_id = 7 ORDER BY id LIMIT 1 \gset
EXECUTE move ('numbered', :'key', '[2027-08-01,2027-08-02)', 'moved');
SELECT replayed FROM availability.move('numbered', :key, daterange('2027-08-01', '2027-08-02'), 'moved');
SELECT replayed FROM availability.cancel('numbered', :'key'::varchar, 'gone'::varchar);
SELECT replayed FROM availability.cancel('numbered', :key, 'gone');

-- What is no listing, no stay, no object, no hold, no time says so.
\set VERBOSITY sqlstate
SELECT availability.book('numbered', 'x', '[2027-01-01,2027-01-02)');
SELECT availability.book('numbered', 99999999999999999999::text, '[2027-01-01,2027-01-02)');
SELECT availability.book('numbered', 1, 'next week');
SELECT availability.book('numbered', 1, '2027-01-01');
SELECT availability.book('numbered', 1, 'empty');
SELECT availability.book('numbered', 1, '[2027-01-01,)'::varchar);
SELECT availability.book('numbered', 1, '[2028-01-01,2028-01-02)', attributes => '{'::text);
SELECT availability.book('numbered', 1, '[2028-01-01,2028-01-02)', attributes => '[]');
SELECT availability.book('numbered', 1, NULL);
SELECT availability.book('numbered', NULL, '[2027-01-01,2027-01-02)');
SELECT availability.hold('numbered', 1, '[2028-01-01,2028-01-02)', 'soon');
SELECT availability.hold('numbered', 1, '[2028-01-01,2028-01-02)', '-1 hour'::varchar);
SELECT availability.confirm('numbered', '1');
SELECT availability.release('no uuid'::text);
\set VERBOSITY default

DROP SCHEMA booking_arguments CASCADE;
