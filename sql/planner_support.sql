-- is_available and is_booked are served by an index: with constants, parameters, joins, inlined functions and views.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA planner_support;
SET search_path = planner_support, public, availability;
-- Servers differ in whether they say that a node is disabled.
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        IF line !~ 'Disabled: ' THEN RETURN NEXT line; END IF;
    END LOOP;
END
$f$;
SELECT setseed(0.6) \gset
CREATE TABLE homes (id int, market int, place point, booked dayset);
INSERT INTO homes SELECT n, n % 20, point(random(), random()), random_days(6, 60, 400)::dayset FROM generate_series(1, 4000) AS n;
INSERT INTO homes VALUES (0, 1, '(0.5,0.5)', NULL);
CREATE INDEX homes_booked ON homes USING gist (booked);
CREATE INDEX homes_btree ON homes (booked);
CREATE TABLE stays (id int, stay daterange);
INSERT INTO stays VALUES (1, '[2026-03-01,2026-03-08)'), (2, '[2026-08-01,2026-10-20)'), (3, NULL);
ANALYZE homes, stays;
SET enable_seqscan = off;
SET enable_bitmapscan = off;

-- constants
SELECT plan($$SELECT count(*) FROM homes WHERE is_available(booked, '[2026-07-04,2026-07-11)')$$);
SELECT plan($$SELECT count(*) FROM homes WHERE is_booked(booked, '[2026-07-04,2026-07-11)')$$);
-- only a condition that the index can tell: not its negation, not of another column, not of a stay that the row has
SELECT plan($$SELECT count(*) FROM homes WHERE NOT is_available(booked, '[2026-07-04,2026-07-11)')$$);
SELECT plan($$SELECT count(*) FROM homes WHERE is_available(booked, daterange(date '2026-07-04' + market, '2026-08-11'))$$);
-- a parameter of a generic plan; what the function refuses is refused with the index too, rows or no rows
SET plan_cache_mode = force_generic_plan;
PREPARE free (daterange) AS SELECT count(*) FROM homes WHERE is_available(booked, $1);
PREPARE full_then (daterange) AS SELECT count(*) FROM homes WHERE is_booked(booked, $1);
SELECT plan($$EXECUTE free('[2026-07-04,2026-07-11)')$$);
EXECUTE free('[2026-07-04,2026-07-11)');
EXECUTE free('empty');
EXECUTE full_then('empty');
EXECUTE full_then('[2026-07-04,)');
EXECUTE free('[1969-07-04,1970-07-04)');
EXECUTE free(NULL);
RESET plan_cache_mode;
SELECT count(*) FROM homes WHERE is_booked(booked, 'empty');
SELECT plan($$SELECT count(*) FROM homes WHERE is_booked(booked, 'empty')$$);
-- a join
SELECT plan($$SELECT s.id, h.market FROM stays AS s JOIN homes AS h ON is_available(h.booked, s.stay)$$);
SET enable_material = off;
DROP INDEX homes_btree;
SELECT plan($$SELECT s.id, h.id FROM stays AS s JOIN homes AS h ON is_available(h.booked, s.stay)$$);
CREATE TABLE by_index AS SELECT s.id, count(*) FROM stays AS s JOIN homes AS h ON is_available(h.booked, s.stay) GROUP BY s.id;
RESET enable_material;
-- an SQL function that is inlined
CREATE FUNCTION free_homes(wanted daterange) RETURNS SETOF homes LANGUAGE sql STABLE AS
    'SELECT * FROM planner_support.homes WHERE availability.is_available(booked, wanted)';
SELECT plan($$SELECT id FROM free_homes('[2026-07-04,2026-07-11)')$$);
-- a security barrier: the view's own condition comes first, whatever the index
CREATE VIEW of_market WITH (security_barrier) AS SELECT * FROM homes WHERE market = 3;
SELECT count(*) = (SELECT count(*) FROM (SELECT * FROM homes WHERE market = 3 OFFSET 0) AS h WHERE is_available(booked, '[2026-07-04,2026-07-11)')) AS same
FROM of_market WHERE is_available(booked, '[2026-07-04,2026-07-11)');
-- with a place
DROP INDEX homes_booked;
CREATE INDEX homes_place_booked ON homes USING gist (place, booked);
SELECT plan($$SELECT id FROM homes WHERE place <@ box '(0.2,0.2),(0.4,0.4)' AND is_available(booked, '[2026-07-04,2026-07-11)')$$);
-- an operator class that has not the operator
DROP INDEX homes_place_booked;
CREATE OPERATOR CLASS only_overlaps FOR TYPE dayset USING gist AS
    OPERATOR 1 && (dayset, anyrange), FUNCTION 1 dayset_gist_consistent(internal, dayset, smallint, oid, internal),
    FUNCTION 2 dayset_gist_union(internal, internal), FUNCTION 3 dayset_gist_compress(internal),
    FUNCTION 5 dayset_gist_penalty(internal, internal, internal), FUNCTION 6 dayset_gist_picksplit(internal, internal),
    FUNCTION 7 dayset_gist_same(dayset_key, dayset_key, internal), STORAGE dayset_key;
CREATE INDEX homes_other ON homes USING gist (booked only_overlaps);
SELECT plan($$SELECT id FROM homes WHERE is_available(booked, '[2026-07-04,2026-07-11)')$$);

-- the same without an index
RESET enable_seqscan;
SET enable_indexscan = off;
DROP INDEX homes_other;
SELECT count(*) FROM homes WHERE is_available(booked, '[2026-07-04,2026-07-11)');
SELECT s.id, count(*) = i.count AS same FROM stays AS s JOIN homes AS h ON is_available(h.booked, s.stay) JOIN by_index AS i ON i.id = s.id GROUP BY s.id, i.count ORDER BY 1;
RESET enable_indexscan;
RESET enable_bitmapscan;
DROP SCHEMA planner_support CASCADE;
