-- Names with quotes and percent signs, the doctor's advice and patience, set companions
-- dropped by hand, children made by CREATE SCHEMA.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA track_oddities;
SET search_path = track_oddities, public;
CREATE ROLE regress_odd_owner;
CREATE ROLE regress_odd_nobody;
GRANT USAGE ON SCHEMA track_oddities TO regress_odd_owner, regress_odd_nobody;
GRANT CREATE ON SCHEMA track_oddities TO regress_odd_owner;

-- a table of any name is retyped
CREATE TABLE "50%'s \ {x}" (id bigint PRIMARY KEY, listing_id integer, check_in date, check_out date);
SELECT availability.track($$"50%'s \ {x}"$$, cancel => 'check_in = NULL');
GRANT SELECT ON "50%'s \ {x}_month" TO regress_odd_nobody WITH GRANT OPTION;
GRANT SELECT (listing) ON "50%'s \ {x}_claims" TO regress_odd_nobody;
REVOKE EXECUTE ON FUNCTION "50%'s \ {x}_cancel" FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "50%'s \ {x}_cancel" TO regress_odd_nobody;
COMMENT ON VIEW "50%'s \ {x}_month" IS '50%''s';
INSERT INTO "50%'s \ {x}" VALUES (1, 1, '2027-01-01', '2027-01-05');
SELECT availability.suspend($$"50%'s \ {x}"$$);
ALTER TABLE "50%'s \ {x}" ALTER listing_id TYPE bigint;
SELECT availability.retrack($$"50%'s \ {x}"$$);
SELECT listing_id, month, booked_days FROM "50%'s \ {x}_month";
SELECT has_table_privilege('regress_odd_nobody', $$"50%'s \ {x}_month"$$, 'SELECT WITH GRANT OPTION') AS grantable,
    has_column_privilege('regress_odd_nobody', $$"50%'s \ {x}_claims"$$, 'listing', 'SELECT') AS of_column,
    obj_description($$"50%'s \ {x}_month"$$::regclass) AS comment,
    (SELECT array_agg(a.grantee::regrole::text ORDER BY a.grantee <> 'regress_odd_nobody'::regrole) FILTER (WHERE a.grantee <> p.proowner)
     FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a WHERE p.proname = $$50%'s \ {x}_cancel$$) AS may_cancel;
SELECT * FROM availability.verify($$"50%'s \ {x}"$$);
SELECT availability.untrack($$"50%'s \ {x}"$$);

-- a child that CREATE SCHEMA makes is refused as any other
CREATE TABLE reservations (id bigint PRIMARY KEY, listing_id bigint, check_in date, check_out date);
SELECT availability.track('reservations', sets => true);
CREATE SCHEMA track_oddities_children CREATE TABLE child () INHERITS (track_oddities.reservations);
SELECT availability.retrack('reservations', listings => 4294967295);
SELECT availability.track('track_oddities.reservations_calendar', listings => 4294967295);

-- set search whose delta was dropped is taken away, and given anew
INSERT INTO reservations VALUES (1, 1, '2027-01-01', '2027-01-05'), (2, 2, '2027-02-01', '2027-02-05');
DROP TABLE reservations_delta CASCADE;
INSERT INTO reservations VALUES (3, 3, '2027-01-01', '2027-01-05');
SELECT finding, remedy FROM availability.doctor() WHERE subject = 'tracked table track_oddities.reservations';
SELECT availability.unindex_sets('reservations');
INSERT INTO reservations VALUES (3, 3, '2027-01-01', '2027-01-05');
SELECT availability.index_sets('reservations');
DROP TABLE reservations_set CASCADE;
SELECT availability.unindex_sets('reservations');
SELECT availability.index_sets('reservations');
SELECT availability.count_free('reservations', '[2027-01-02,2027-01-04)');
SELECT * FROM availability.verify('reservations');

-- what the owner did to the delta or to ordinals, past the triggers, is found and mended
SELECT availability.fold('reservations');
INSERT INTO reservations_delta SELECT version, ordinal, '{}' FROM reservations_calendar WHERE listing_id = 1;
INSERT INTO reservations_delta VALUES (5, 500, '{}');
SELECT availability.count_free('reservations', '[2027-01-02,2027-01-04)');
SELECT kind, listing, detail ~ 'ordinal' AS has_ordinal FROM availability.verify('reservations') ORDER BY listing;
SELECT availability.repair('reservations');
SELECT availability.count_free('reservations', '[2027-01-02,2027-01-04)');
UPDATE reservations SET check_out = '2027-01-06' WHERE id = 1;
ALTER TABLE reservations_calendar DISABLE TRIGGER ALL;
UPDATE reservations_calendar SET booked = booked OPERATOR(availability.+) daterange '[2028-01-01,2028-01-03)' WHERE listing_id = 1;
ALTER TABLE reservations_calendar ENABLE TRIGGER ALL;
SELECT kind, listing, day FROM availability.verify('reservations') ORDER BY kind, day;
SELECT availability.repair('reservations');
UPDATE reservations_calendar SET ordinal = -ordinal WHERE listing_id = 2;
SELECT kind, listing, detail FROM availability.verify('reservations');
SELECT availability.repair('reservations');
SELECT availability.count_free('reservations', '[2027-01-02,2027-01-04)');
SELECT * FROM availability.verify('reservations');

DROP INDEX reservations_ordinal_idx;
SELECT * FROM availability.verify('reservations');

-- suspend and retrack prove what they find
ALTER TABLE reservations_claims RENAME listing TO other;
SELECT availability.suspend('reservations');
ALTER TABLE reservations_claims RENAME other TO listing;
ALTER TABLE reservations_calendar RENAME listing_id TO other;
SELECT availability.retrack('reservations');
ALTER TABLE reservations_calendar RENAME other TO listing_id;
ALTER TABLE reservations_day RENAME reservation_id TO other;
SELECT availability.retrack('reservations', key => 'id::text');
ALTER TABLE reservations_day RENAME other TO reservation_id;
SELECT availability.retrack('reservations', key => 'id::text');
SELECT * FROM availability.verify('reservations');

-- the doctor sees anybody, and has nobody's table dropped because of a name
SET ROLE regress_odd_nobody;
SELECT count(*) FROM availability.doctor() WHERE finding ~ 'suspended';
RESET ROLE;
CREATE TABLE pay_request (id integer, amount numeric);
CREATE TABLE pay_day (listing_id bigint, day date, reservation_id bigint);
SET ROLE regress_odd_owner;
CREATE TABLE pay_calendar (listing_id int, ordinal int, version int, change int, reservation_id int, stay int, was int);
CREATE TABLE pay_hold (hold_id int, listing_id int, stay int, expires_at int);
CREATE TABLE pay_set (something int);
RESET ROLE;
SELECT subject, remedy FROM availability.doctor() WHERE subject ~ 'track_oddities.pay';

SELECT availability.untrack('reservations');
DROP SCHEMA track_oddities CASCADE;
DROP ROLE regress_odd_owner, regress_odd_nobody;
