-- Nobody's plain range queries mean anything else once the extension is there, nor when its schema is on the search path.
SET datestyle = 'ISO, YMD';
CREATE TABLE plain (stay daterange, stays datemultirange, day date, slot tstzrange, numbers int4range, words text[], document jsonb);
INSERT INTO plain VALUES ('[2026-01-03,2026-01-08)', '{[2026-01-03,2026-01-08)}', '2026-01-04', '[2026-01-03,2026-01-08)', '[1,5)', '{a,b}', '{"a": 1}');

CREATE TABLE query (id int GENERATED ALWAYS AS IDENTITY, expression text);
INSERT INTO query (expression) VALUES
    ($$stay && '[2026-01-01,2026-01-05)'$$), ($$'[2026-01-01,2026-01-05)' && stay$$), ($$'[2026-01-01,)' && stay$$), ($$stay && '(,)'$$), ($$stay && NULL$$), ($$NULL && stay$$),
    ($$stay @> '2026-01-04'::date$$), ($$stay @> '[2026-01-04,2026-01-05)'$$), ($$'[2026-01-01,2026-02-01)' @> stay$$), ($$'(,)' @> stay$$), ($$'[2026-01-01,2026-02-01)'::daterange @> day$$),
    ($$stay <@ '[2026-01-01,2026-02-01)'$$), ($$day <@ '[2026-01-01,2026-02-01)'::daterange$$), ($$day <@ stay$$),
    ($$stay + '[2026-01-08,2026-01-09)'$$), ($$'[2026-01-08,2026-01-09)' + stay$$), ($$stay - '[2026-01-08,2026-01-09)'$$), ($$'[2026-01-01,2026-01-04)' - stay$$), ($$'(,2026-01-04)' - stay$$),
    ($$stay * '[2026-01-04,2026-01-09)'$$), ($$'[2026-01-04,)' * stay$$), ($$stay -|- '[2026-01-08,2026-01-09)'$$),
    ($$stay = '[2026-01-03,2026-01-08)'$$), ($$'[2026-01-03,2026-01-08)' = stay$$), ($$stay < '[2026-01-03,2026-01-09)'$$), ($$'empty' <> stay$$),
    ($$stays && '{[2026-01-01,2026-01-05)}'$$), ($$'{[2026-01-01,2026-01-05)}' && stays$$), ($$stays && '{[2026-01-01,)}'$$), ($$'{(,)}' @> stays$$), ($$stays && stay$$), ($$stay && stays$$),
    ($$stays @> stay$$), ($$stays @> day$$), ($$stays + '{[2026-02-01,2026-02-02)}'$$), ($$'{(,2026-01-05)}' - stays$$), ($$'{(,2026-01-05)}' * stays$$), ($$stays = '{}'$$), ($$'{}' < stays$$),
    ($$slot && '[2026-01-01,2026-01-05)'$$), ($$'[2026-01-01,)' && slot$$), ($$'[1,2)' && numbers$$), ($$numbers @> 3$$), ($$'[1,2)' @> numbers$$), ($$numbers - '[1,2)'$$), ($$'[1,9)' - numbers$$),
    ($$words && '{a}'$$), ($$'{a}' && words$$), ($$words @> '{a}'$$), ($$document @> '{"a": 1}'$$), ($$'{"a": 1}' @> document$$), ($$document - 'a'$$),
    ($$day + 1$$), ($$'2026-01-09' - day$$), ($$day - '2026-01-01'$$), ($$day = '2026-01-04'$$), ($$'2026-01-04' < day$$), ($$'a' = 'b'$$), ($$'a' < 'b'$$),
    ($$datemultirange(stay)$$), ($$datemultirange(stay, stay)$$), ($$datemultirange('{}')$$), ($$range_agg(stay)$$), ($$isempty(stay)$$), ($$stay::text$$), ($$stay::datemultirange$$),
    ($$'[2026-01-01,2026-01-05)' @> day$$), ($$'[2026-01-01,2026-01-05)' && '[2026-01-01,2026-01-05)'$$), ($$'a' - 'b'$$), ($$'a' + 'b'$$);

-- What the parser makes of an expression, every operator and type with its schema; and what it gives.
CREATE FUNCTION meaning(expression text, path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    parsed text;
    result text;
BEGIN
    PERFORM set_config('search_path', path, true);
    EXECUTE 'CREATE TEMP VIEW probe AS SELECT ' || expression || ' AS x FROM public.plain';
    PERFORM set_config('search_path', '', true);
    parsed := pg_catalog.pg_get_viewdef('pg_temp.probe'::regclass);
    SELECT x::text INTO result FROM pg_temp.probe;
    DROP VIEW pg_temp.probe;
    PERFORM set_config('search_path', 'public', true);
    RETURN regexp_replace(parsed, '\s+', ' ', 'g') || ' => ' || coalesce(result, 'NULL');
EXCEPTION WHEN others THEN
    PERFORM set_config('search_path', 'public', true);
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION availability CASCADE;
SELECT jsonb_object_agg(id, meaning(expression, 'public')) AS before FROM query \gset
ROLLBACK;

SELECT count(*) AS expressions, count(*) FILTER (WHERE :'before'::jsonb ->> id::text ~ '^\d') AS errors_before FROM query;
SELECT path, expression, :'before'::jsonb ->> id::text AS before, meaning(expression, path) AS after
FROM query, (VALUES ('public'), ('public, availability'), ('availability, public'), ('availability, pg_catalog, public')) AS p (path)
WHERE :'before'::jsonb ->> id::text <> meaning(expression, path)
  AND :'before'::jsonb ->> id::text !~ '^42725'
ORDER BY path, id;
-- Only what was ambiguous may have got a meaning.
SELECT expression, :'before'::jsonb ->> id::text AS before FROM query WHERE :'before'::jsonb ->> id::text ~ '^42725' ORDER BY id;

-- So do prepared statements with untyped parameters.
SET search_path = availability, public;
PREPARE search AS SELECT count(*) FROM plain WHERE $1 && stay AND stay && $2;
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'search';
EXECUTE search ('[2026-01-01,)', '(,2026-01-05)');
DEALLOCATE search;
RESET search_path;
DROP FUNCTION meaning(text, text);
DROP TABLE plain, query;
