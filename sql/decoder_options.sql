-- An unknown, malformed or repeated option is an error that names it.
SELECT slot_name FROM pg_create_logical_replication_slot('decoder_options', 'availability_decoder');

CREATE FUNCTION pg_temp.peek(VARIADIC options text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_logical_slot_peek_changes('decoder_options', NULL, NULL, VARIADIC options);
$$;

SELECT pg_temp.peek('colour', 'green');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.peek('format', 'xml');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.peek('format', 'JSON');
SELECT pg_temp.peek('format', 'json', 'format', 'json');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.peek('version', '2');
SELECT pg_temp.peek('version', '');
SELECT pg_temp.peek('transactions', 'perhaps');
SELECT pg_temp.peek('tables', '');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.peek('tables', 'a_calendar');
SELECT pg_temp.peek('tables', 'public.a_calendar,');
SELECT pg_temp.peek('tables', 'public.a_calendar b');
SELECT pg_temp.peek('tables', 'public. a_calendar');
SELECT pg_temp.peek('tables', 'app.public.a_calendar');
SELECT pg_temp.peek('tables', 'public.1_calendar');
SELECT pg_temp.peek('tables', 'public."a_calendar');
SELECT pg_temp.peek('tables', 'public.""');
SELECT pg_temp.peek('tables', 'public.' || repeat('x', 64));
SELECT pg_temp.peek('messages', 'a,,b');
SELECT pg_temp.peek('messages', 'a b');
SELECT pg_temp.peek('messages', '"a');

-- What is well-formed is taken, white space included.
SELECT pg_temp.peek('format', 'json', 'version', '1', 'transactions', 'off', 'tables', ' public.a_calendar , "My ""Schema"."x,y"',
    'messages', ' a, "b, c" ,""');
SELECT pg_temp.peek('transactions', 'yes');

SELECT pg_drop_replication_slot('decoder_options');
