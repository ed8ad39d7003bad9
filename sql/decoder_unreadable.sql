-- What the decoder cannot read becomes an event that says so, and the stream goes on.
SET client_min_messages = warning;
CREATE ROLE regress_decoder_forger;
CREATE SCHEMA decoder_unreadable AUTHORIZATION regress_decoder_forger;
SET search_path = decoder_unreadable;

CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT substring(data, '(.*),"lsn"') || ' #' || (data::json ->> 'seq')
    FROM pg_logical_slot_get_changes('decoder_unreadable', NULL, NULL);
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_unreadable', 'availability_decoder');

-- Anybody can make tables of the calendar's shape.
SET ROLE regress_decoder_forger;
CREATE TABLE forged (listing_id text, booked availability.dayset, version bigint, change text, reservation_id text, stay daterange,
    was daterange);
INSERT INTO forged VALUES (NULL, '{}', 1, 'created');
INSERT INTO forged VALUES ('no calendar', NULL, 1, 'created');
INSERT INTO forged VALUES ('no version', '{}', NULL, 'created');
INSERT INTO forged VALUES ('no change', '{}', 1, NULL);
INSERT INTO forged VALUES ('unknown change', '{}', 1, 'create');
INSERT INTO forged VALUES ('empty stay', '{}', 1, 'created', 'r', 'empty');
INSERT INTO forged VALUES ('unbounded stay', '{}', 1, 'created', 'r', '[2026-01-01,)');
INSERT INTO forged VALUES ('infinite stay', '{}', 1, 'created', 'r', '[2026-01-01,infinity)');
INSERT INTO forged VALUES ('early stay', '{}', 1, 'created', 'r', '[1969-12-31,1970-01-02)');
INSERT INTO forged VALUES ('late stay', '{}', 1, 'created', 'r', '[2149-06-06,2149-06-07)'), ('late stay', '{}', 1, 'created', 'r', '[2149-06-06,2149-06-08)');
INSERT INTO forged VALUES ('endless was', '{}', 1, 'created', 'r', NULL, '(,)');
INSERT INTO forged VALUES (repeat('x', 65537), '{}', 1, 'created');
INSERT INTO forged VALUES ('long reservation', '{}', 1, 'created', repeat('x', 1000000));
INSERT INTO forged VALUES ('readable', '{}', 1, 'created');
RESET ROLE;
SELECT pg_temp.events();

-- Columns of other types.
SET ROLE regress_decoder_forger;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE mood AS ENUM ('glad');
CREATE TABLE composite_key (listing_id pair, booked availability.dayset, version bigint, change text);
CREATE TABLE enum_key (listing_id mood, booked availability.dayset, version bigint, change text);
CREATE TABLE numeric_key (listing_id numeric, booked availability.dayset, version bigint, change text);
CREATE TABLE odd_columns (listing_id int, booked availability.dayset, version bigint, change mood, reservation_id numeric, stay text);
BEGIN;
INSERT INTO composite_key VALUES ('(1,2)', '{}', 1, 'created');
INSERT INTO enum_key VALUES ('glad', '{}', 1, 'created');
INSERT INTO numeric_key VALUES ('NaN', '{}', 1, 'created');
INSERT INTO odd_columns VALUES (1, '{}', 1, 'glad');
ALTER TABLE odd_columns ALTER change TYPE text USING 'created';
INSERT INTO odd_columns VALUES (2, '{}', 1, 'created', 1);
INSERT INTO odd_columns VALUES (3, '{}', 1, 'created', NULL, '[2026-01-01,2026-01-02)');
INSERT INTO odd_columns VALUES (4, '{}', 1, 'created');
COMMIT;
RESET ROLE;
SELECT pg_temp.events();

-- A type that only bears the name makes no calendar, nor does a version that is no bigint.
SET ROLE regress_decoder_forger;
CREATE DOMAIN dayset AS text;
CREATE DOMAIN calendar AS availability.dayset;
CREATE TABLE named_alike (listing_id int, booked dayset, version bigint, change text);
CREATE TABLE domain_booked (listing_id int, booked calendar, version bigint, change text);
CREATE TABLE int_version (listing_id int, booked availability.dayset, version int, change text);
INSERT INTO named_alike VALUES (1, '{}', 1, 'created');
INSERT INTO domain_booked VALUES (1, '{}', 1, 'created');
INSERT INTO int_version VALUES (1, '{}', 1, 'created');
RESET ROLE;
SELECT pg_temp.events();

SELECT pg_drop_replication_slot('decoder_unreadable');
DROP SCHEMA decoder_unreadable CASCADE;
DROP ROLE regress_decoder_forger;
