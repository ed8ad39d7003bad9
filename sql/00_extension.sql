-- The extension, and what the other tests share.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS availability;

-- What a statement raises, as text: SQLSTATE, message, detail.
CREATE FUNCTION public.raised(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing raised';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || message || coalesce(' (' || nullif(detail, '') || ')', '');
END
$$;

-- A set of days from 2026 on, as the model has it: up to `runs` ranges of up to `longest` days each.
CREATE FUNCTION public.random_days(runs int, longest int, spread int) RETURNS datemultirange LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(range_agg(daterange(first_day, first_day + 1 + floor(random() * longest)::int)), '{}')
    FROM (SELECT date '2026-01-01' + floor(random() * spread)::int
          FROM generate_series(1, floor(random() * (runs + 1))::int)) AS start (first_day)
$$;

SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE extname = 'availability';
