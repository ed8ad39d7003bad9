-- Equality, order and hash: the order is that of datemultirange.
SET datestyle = 'ISO, YMD';
SET search_path = public, availability;
CREATE TABLE sets (id int, days dayset);
INSERT INTO sets VALUES
    (1, '{}'), (2, '2026-12-24'), (3, '{[2026-12-24,2026-12-26)}'), (4, '{[2026-12-24,2026-12-25),[2026-12-28,2026-12-29)}'),
    (5, '{[2026-12-20,2026-12-21)}'), (6, '2026-12-24'), (7, NULL), (8, '{[1970-01-01,2149-06-07)}'), (9, '{}');

SELECT id, days FROM sets ORDER BY days, id;
SELECT id, days FROM sets ORDER BY days DESC NULLS LAST, id;
SELECT count(*) AS differently_ordered FROM sets a, sets b
WHERE (a.days < b.days) IS DISTINCT FROM (a.days::datemultirange < b.days::datemultirange)
   OR (a.days <= b.days) IS DISTINCT FROM (a.days::datemultirange <= b.days::datemultirange)
   OR (a.days = b.days) IS DISTINCT FROM (a.days::datemultirange = b.days::datemultirange)
   OR (a.days <> b.days) IS DISTINCT FROM (a.days::datemultirange <> b.days::datemultirange)
   OR (a.days >= b.days) IS DISTINCT FROM (a.days::datemultirange >= b.days::datemultirange)
   OR (a.days > b.days) IS DISTINCT FROM (a.days::datemultirange > b.days::datemultirange)
   OR dayset_cmp(a.days, b.days) = 0 AND dayset_hash(a.days) <> dayset_hash(b.days)
   OR dayset_cmp(a.days, b.days) = 0 AND dayset_hash_extended(a.days, 7) <> dayset_hash_extended(b.days, 7);
SELECT dayset_hash_extended('{}', 0) & 4294967295 = dayset_hash('{}')::bigint & 4294967295 AS hashes_agree,
       dayset_hash_extended('2026-12-24', 1) <> dayset_hash_extended('2026-12-24', 2) AS seed_counts;

SELECT DISTINCT days FROM sets ORDER BY days;
SELECT days, count(*) FROM sets GROUP BY days ORDER BY days;
SELECT min(id) FROM sets GROUP BY days HAVING count(*) > 1 ORDER BY 1;

-- btree and hash indexes
INSERT INTO sets SELECT 100 + n, dayset(random_days(5, 20, 700)) FROM generate_series(1, 2000) AS n;
CREATE INDEX sets_days ON sets (days);
CREATE INDEX sets_days_hash ON sets USING hash (days);
ANALYZE sets;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT id FROM sets WHERE days = '{}' ORDER BY id LIMIT 2;
DROP INDEX sets_days_hash;
EXPLAIN (COSTS OFF) SELECT id FROM sets WHERE days = '2026-12-24';
SELECT id FROM sets WHERE days = '2026-12-24' ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM sets WHERE days > '{[2149-01-01,2149-06-07)}' ORDER BY days;
SELECT id FROM sets WHERE days < '{[1970-01-01,2149-06-07)}' AND days < '{[1980-01-01,1980-01-02)}' AND id < 100 ORDER BY id;
CREATE INDEX sets_days_hash ON sets USING hash (days);
DROP INDEX sets_days;
EXPLAIN (COSTS OFF) SELECT id FROM sets WHERE days = '2026-12-24';
SELECT id FROM sets WHERE days = '2026-12-24' ORDER BY id;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- every join finds the same pairs
SELECT count(*) AS pairs FROM sets a JOIN sets b ON a.days::datemultirange = b.days::datemultirange \gset
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM sets a JOIN sets b USING (days);
SELECT count(*) = :pairs AS merged FROM sets a JOIN sets b USING (days);
RESET enable_hashjoin;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM sets a JOIN sets b USING (days);
SELECT count(*) = :pairs AS hashed FROM sets a JOIN sets b USING (days);
RESET enable_mergejoin;
RESET enable_nestloop;

-- uniqueness and hash partitions
CREATE TABLE unique_sets (days dayset PRIMARY KEY);
INSERT INTO unique_sets VALUES ('{}'), ('2026-12-24');
SELECT raised($$INSERT INTO unique_sets VALUES ('{[2026-12-24,2026-12-24]}')$$);
CREATE TABLE parts (days dayset) PARTITION BY HASH (days);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT days FROM sets;
SELECT count(*) FROM parts WHERE days = '2026-12-24';

DROP TABLE sets, unique_sets, parts;
RESET search_path;
