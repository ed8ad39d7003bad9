-- The binary form and its door: portable Roaring bytes, validated and canonical.
SET search_path = public, availability;

-- Vectors. 2026-12-20 is day 20807, 0x5147.
SELECT days, encode(days::dayset::bytea, 'hex') AS stored
FROM unnest(ARRAY[
    '{}',
    '1970-01-01',
    '2149-06-06',
    '{[2026-12-20,2026-12-21)}',
    '{[2026-12-20,2026-12-22)}',
    '{[2026-12-20,2026-12-23)}',
    '{[2026-12-20,2026-12-27)}',
    '{[2026-12-20,2026-12-21),[2026-12-22,2026-12-23)}',
    '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}',
    '{[1970-01-01,2149-06-07)}'
]) WITH ORDINALITY AS vector (days, n) ORDER BY n;

-- A bitset: every other day.
WITH days AS (
    SELECT dayset_agg(day) AS days
    FROM generate_series(0, 65534, 2) AS n, LATERAL (SELECT date '1970-01-01' + n) AS d (day)
)
SELECT length(days::bytea), encode(substr(days::bytea, 1, 24), 'hex') AS head,
       booked_days(days), days::bytea::dayset = days AS reads_back
FROM days;

SELECT dayset_send('{[2026-12-20,2026-12-27)}') = '{[2026-12-20,2026-12-27)}'::dayset::bytea AS send_is_the_bytes;

-- Valid but not canonical: brought into canonical form.
SELECT what, days, encode(days::bytea, 'hex') AS stored
FROM (VALUES
    (1, 'three days as an array', '3a300000 01000000 0000 0200 10000000 4751 4851 4951'),
    (2, 'two single days as runs', '3b300000 01 0000 0100 0200 4751 0000 4951 0000'),
    (3, 'one day as a run', '3b300000 01 0000 0000 0100 4751 0000'),
    (4, 'run cookie, array container', '3b300000 00 0000 0000 4751')
) AS vector (n, what, hex), LATERAL (SELECT decode(replace(hex, ' ', ''), 'hex')::dayset) AS d (days)
ORDER BY n;

-- Bytes that are no day set.
CREATE TEMP TABLE hostile (n int, what text, hex text);
INSERT INTO hostile VALUES
    (1, 'nothing', ''),
    (2, 'half a cookie', '3a30'),
    (3, 'cookie alone', '3a300000'),
    (4, 'unknown cookie', '3c300000 00000000'),
    (5, 'random text', '68656c6c6f20776f726c64'),
    (6, 'empty, trailing byte', '3a300000 00000000 00'),
    (7, 'array, trailing byte', '3a300000 01000000 0000 0100 10000000 4751 4951 00'),
    (8, 'array cut short', '3a300000 01000000 0000 0100 10000000 4751 49'),
    (9, 'array without its values', '3a300000 01000000 0000 0100 10000000'),
    (10, 'unsorted array', '3a300000 01000000 0000 0100 10000000 4951 4751'),
    (11, 'a day twice', '3a300000 01000000 0000 0100 10000000 4751 4751'),
    (12, 'cardinality too small', '3a300000 01000000 0000 0000 10000000 4751 4951'),
    (13, 'cardinality too large', '3a300000 01000000 0000 0200 10000000 4751 4951'),
    (14, 'another key', '3a300000 01000000 0100 0100 10000000 4751 4951'),
    (15, 'wrong offset', '3a300000 01000000 0000 0100 11000000 4751 4951'),
    (16, 'two containers', '3a300000 02000000 0000 0000 0100 0000 18000000 1a000000 4751 4751'),
    (17, 'container count of 4 billion', '3a300000 ffffffff 0000 0000 10000000 4751'),
    (18, 'cardinality of an array beyond 4096', '3a300000 01000000 0000 ffff 10000000 4751 4951'),
    (19, 'run container, trailing byte', '3b300000 01 0000 0600 0100 4751 0600 00'),
    (20, 'run container cut short', '3b300000 01 0000 0600 0100 4751 06'),
    (21, 'run container without runs', '3b300000 01 0000 0600 0000'),
    (22, 'run cardinality wrong', '3b300000 01 0000 0700 0100 4751 0600'),
    (23, 'run beyond the last day', '3b300000 01 0000 0200 0100 ffff 0200'),
    (24, 'runs out of order', '3b300000 01 0000 0900 0200 5351 0200 4751 0600'),
    (25, 'runs overlap', '3b300000 01 0000 0900 0200 4751 0600 4951 0200'),
    (26, 'runs touch', '3b300000 01 0000 0900 0200 4751 0600 4e51 0200'),
    (27, 'runs promised, one there', '3b300000 01 0000 0900 0200 4751 0600'),
    (28, 'run cookie, two containers', '3b300100 01 0000 0600 0100 0000 0100 4751 0600'),
    (29, 'run flag of a second container', '3b300000 03 0000 0600 0100 4751 0600'),
    (30, 'run cookie, no flag byte', '3b300000');
SELECT n, what, raised(format('SELECT decode(%L, ''hex'')::dayset', replace(hex, ' ', '')))
FROM hostile ORDER BY n;

-- A bitset whose cardinality is not its number of bits.
SELECT raised(format('SELECT (%L::bytea || %L)::dayset',
                     decode('3a300000' || '01000000' || '0000' || 'ffff' || '10000000', 'hex'), decode(repeat('55', 8192), 'hex')));

-- The same door for recv: binary COPY takes what a bytea column wrote.
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/dayset_binary.data'
CREATE TEMP TABLE bytes (stored bytea);
CREATE TEMP TABLE sets (days dayset);
INSERT INTO sets VALUES ('{}'), ('2026-12-24'), ('{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'), (NULL);
COPY sets TO :'file' (FORMAT binary);
COPY bytes FROM :'file' (FORMAT binary);
SELECT stored = days::bytea AS same, days FROM bytes JOIN sets ON days::bytea = stored ORDER BY days;
TRUNCATE bytes, sets;
INSERT INTO bytes SELECT decode('3a30000001000000000002001000000047514851' || '4951', 'hex');
COPY bytes TO :'file' (FORMAT binary);
COPY sets FROM :'file' (FORMAT binary);
SELECT days, encode(days::bytea, 'hex') AS stored FROM sets;
TRUNCATE bytes, sets;

-- Every hostile value through recv.
CREATE FUNCTION pg_temp.received(bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
    RETURN raised(format('COPY sets FROM %L (FORMAT binary)', file));
END
$$;
SELECT count(*) AS refused FROM hostile
WHERE pg_temp.received(decode(replace(hex, ' ', ''), 'hex'), :'file') LIKE '22P03 %';
SELECT count(*) AS accepted FROM sets;

-- Every cut of a good value, and random changes of one byte: refused, or a set that reads back as itself.
SELECT setseed(0.7) \gset
CREATE TEMP TABLE good AS
SELECT days::bytea AS stored FROM (VALUES
    ('{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'::dayset),
    ('{[2026-12-20,2026-12-21),[2026-12-22,2026-12-23),[2027-05-01,2027-05-02)}')) AS v (days);
SELECT count(*) AS cuts, count(*) FILTER (WHERE raised(format('SELECT %L::bytea::dayset', substr(stored, 1, n))) LIKE '22P03 %') AS refused
FROM good, generate_series(0, length(stored) - 1) AS n;
CREATE TEMP TABLE changed AS
SELECT set_byte(stored, floor(random() * length(stored))::int, floor(random() * 256)::int) AS bytes
FROM good, generate_series(1, 2000);
SELECT count(*) AS wrong
FROM changed, LATERAL (SELECT raised(format('SELECT %L::bytea::dayset', bytes))) AS r (raised)
WHERE CASE WHEN raised = 'nothing raised'
           THEN bytes::dayset <> bytes::dayset::bytea::dayset
                OR bytes::dayset::text::dayset <> bytes::dayset
           ELSE raised NOT LIKE '22P03 %' END;
DROP TABLE hostile, bytes, sets, good, changed;
RESET search_path;
