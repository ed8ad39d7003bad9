-- The text form: that of datemultirange, always ISO.
SET search_path = public, availability;

-- Output and input do not depend on DateStyle.
SET datestyle = 'SQL, DMY';
SELECT '{[2026-12-01,2026-12-05)}'::dayset, date '2026-12-01' AS in_this_style;
SET datestyle = 'German';
SELECT '{[2026-12-01,2026-12-05)}'::dayset, date '2026-12-01' AS in_this_style;
SET datestyle = 'Postgres, MDY';
SELECT '{[2026-12-01,2026-12-05)}'::dayset, date '2026-12-01' AS in_this_style;

-- What is taken.
SELECT literal, literal::dayset AS days
FROM unnest(ARRAY[
    '{}',
    '  { }  ',
    '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}',
    '{[2027-01-01,2027-01-03),[2026-12-20,2026-12-27)}',
    '{[2026-12-20,2026-12-27),[2026-12-25,2027-01-03)}',
    '{[2026-12-20,2026-12-27),[2026-12-27,2027-01-03)}',
    '{[2026-12-20,2026-12-26]}',
    '{(2026-12-19,2026-12-27)}',
    '{(2026-12-19,2026-12-26]}',
    ' { [ 2026-12-20 , 2026-12-27 ) , [2027-01-01,2027-01-03) } ',
    '{["2026-12-20","2026-12-27")}',
    '{empty}',
    '{empty,[2026-12-20,2026-12-21)}',
    '{[2026-12-20,2026-12-20)}',
    '{(2026-12-20,2026-12-21)}',
    'empty',
    '[2026-12-20,2026-12-27)',
    '[2026-12-20,2026-12-26]',
    '2026-12-24',
    ' 2026-12-24 ',
    '{[1970-01-01,1970-01-02)}',
    '{[2149-06-06,2149-06-07)}',
    '{[2149-06-06,2149-06-06]}',
    '[1970-01-01,2149-06-07)',
    '[2028-02-29,2028-03-01)'
]) WITH ORDINALITY AS input (literal, n) ORDER BY n;

-- What is not.
\pset format unaligned
SELECT literal, raised(format('SELECT %L::dayset', literal))
FROM unnest(ARRAY[
    '',
    ' ',
    '{',
    '}',
    '{}}',
    '{,}',
    '{[2026-12-20,2026-12-27)',
    '{[2026-12-20,2026-12-27),}',
    '{[2026-12-20,2026-12-27)[2027-01-01,2027-01-03)}',
    '{[2026-12-20,2026-12-27)} x',
    '{[2026-12-20}',
    '{[2026-12-20,2026-12-27}',
    '{2026-12-20}',
    '[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)',
    '{[today,2026-12-27)}',
    'today',
    'infinity',
    '{[2026-12-20,infinity)}',
    '{[2026-12-20,)}',
    '{[,2026-12-20)}',
    '{(,)}',
    '(,)',
    '{[12/20/2026,12/27/2026)}',
    '{[20261220,20261227)}',
    '{[2026-1-1,2026-1-2)}',
    '{[2026-12-20 BC,2026-12-27)}',
    '{[2026-12-27,2026-12-20)}',
    '{[2026-02-30,2026-03-02)}',
    '{[2026-13-01,2026-13-02)}',
    '{[2026-00-01,2026-01-02)}',
    '2027-02-29',
    '{[1969-12-31,1970-01-02)}',
    '{[2149-06-06,2149-06-08)}',
    '{[2149-06-06,2149-06-07]}',
    '{[0001-01-01,9999-12-31)}',
    '2149-06-07'
]) WITH ORDINALITY AS input (literal, n) ORDER BY n;

\pset format aligned
-- Other digits are none, and a message begins with a whole character.
SELECT raised($$SELECT '{[２０２６-12-20,2026-12-27)}'::dayset$$) LIKE '22P02 malformed%' AS other_digits,
       raised($$SELECT 'été'::dayset$$) LIKE '22P02 malformed%' AS other_letters;

-- Where the server has soft errors (16 and later), input errors are soft.
DO $$
DECLARE
    literal text;
    valid boolean;
BEGIN
    IF current_setting('server_version_num')::int < 160000 THEN
        RETURN;
    END IF;
    FOREACH literal IN ARRAY ARRAY['{', '2149-06-07', '2027-02-29', '[2026-12-27,2026-12-20)'] LOOP
        EXECUTE format('SELECT pg_input_is_valid(%L, ''availability.dayset'')', literal) INTO valid;
        ASSERT NOT valid, literal;
    END LOOP;
END
$$;

-- Random changes to a good literal raise one of the documented errors, or give a set that reads back as itself.
SELECT setseed(0.42) \gset
CREATE TEMP TABLE mutated AS
SELECT overlay('{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'
               PLACING substr('{}[](),-0123456789 emptyx"\', 1 + floor(random() * 28)::int, floor(random() * 3)::int)
               FROM 1 + floor(random() * 50)::int FOR floor(random() * 4)::int) AS literal
FROM generate_series(1, 5000);
CREATE TEMP TABLE outcome AS
SELECT literal, raised(format('SELECT %L::dayset', literal)) AS raised FROM mutated;
SELECT count(*) FILTER (WHERE raised LIKE 'nothing%') > 100 AS some_are_good,
       count(*) FILTER (WHERE raised LIKE '22P02%') > 100 AS some_are_malformed
FROM outcome;
SELECT literal, raised FROM outcome
WHERE raised !~ '^(nothing raised|22P02|22008|22000) ?'
   OR raised LIKE 'nothing%' AND literal::dayset::text::dayset <> literal::dayset
ORDER BY literal;
-- What the server's own type takes, this one takes as well, and means the same.
SET datestyle = 'ISO, YMD';
SELECT literal, raised FROM outcome
WHERE raised LIKE 'nothing%' AND literal LIKE '{%' AND literal::dayset::text <> literal::datemultirange::text
ORDER BY literal;
DROP TABLE mutated, outcome;
RESET search_path;
