-- Keys are JSON strings of the value's text form.
SET client_min_messages = warning;
CREATE SCHEMA decoder_keys;
SET search_path = decoder_keys;

CREATE DOMAIN house AS uuid;
CREATE TABLE short_keys (listing_id smallint, booked availability.dayset, version bigint, change text, reservation_id integer);
CREATE TABLE uuid_keys (listing_id uuid, booked availability.dayset, version bigint, change varchar(9), reservation_id bigint);
CREATE TABLE domain_keys (listing_id house, booked availability.dayset, version bigint, change text, reservation_id house);
CREATE TABLE text_keys (listing_id text, booked availability.dayset, version bigint, change text, reservation_id varchar(20));

CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT substring(data, '(.*),"version"') FROM pg_logical_slot_get_changes('decoder_keys', NULL, NULL);
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_keys', 'availability_decoder');

INSERT INTO short_keys VALUES (-32768, '{}', 1, 'created', -2147483648);
INSERT INTO uuid_keys VALUES ('0123ABCD-4567-89ef-0000-ffffffffffff', '{}', 1, 'cancelled', -9223372036854775808);
INSERT INTO domain_keys VALUES ('00000000-0000-0000-0000-00000000000a', '{}', 1, 'created', 'a0000000-0000-0000-0000-000000000000');
INSERT INTO text_keys VALUES ('', '{}', 1, 'created', '');
INSERT INTO text_keys VALUES ('Haus "am" \ See', '{}', 1, 'created', E'\b\f\n\r\t\x01\x7f/');
SELECT pg_temp.events();

-- A long text is compressed where it stands.
INSERT INTO text_keys VALUES (repeat('x', 65536), '{}', 1, 'created', NULL);
SELECT length(data::json ->> 'listing') FROM pg_logical_slot_get_changes('decoder_keys', NULL, NULL);

SELECT pg_drop_replication_slot('decoder_keys');
DROP SCHEMA decoder_keys CASCADE;
