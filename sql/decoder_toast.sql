-- A calendar of scattered days is kept compressed or out of line; written by the change, it is read whole.
SET client_min_messages = warning;
CREATE SCHEMA decoder_toast;
SET search_path = decoder_toast;

CREATE TABLE calendar (listing_id int PRIMARY KEY, booked availability.dayset, version bigint, change text);

-- An array of 4,000 days; bitsets of every other day, and of days half of which follow no pattern.
CREATE TEMP TABLE sets (listing_id int, booked availability.dayset);
ALTER TABLE sets ALTER booked SET STORAGE external;
INSERT INTO sets
    SELECT 1, array_agg('1970-01-01'::date + i * 16)::availability.dayset FROM generate_series(0, 3999) AS i
    UNION ALL
    SELECT 2, array_agg('1970-01-01'::date + i * 2)::availability.dayset FROM generate_series(0, 32767) AS i
    UNION ALL
    SELECT 3, array_agg('1970-01-01'::date + i)::availability.dayset FROM generate_series(0, 65535) AS i
    WHERE CASE WHEN i < 40000 THEN i % 2 = 0 ELSE hashint4(i) % 2 = 0 END;

CREATE FUNCTION pg_temp.events() RETURNS TABLE (listing text, event text, reason text, runs int, agrees boolean) LANGUAGE sql AS $$
    SELECT event ->> 'listing', event ->> 'event', event ->> 'reason', jsonb_array_length(event -> 'booked'),
           event -> 'booked' = calendar.booked::jsonb
    FROM (SELECT data::jsonb FROM pg_logical_slot_get_changes('decoder_toast', NULL, NULL)) AS changes (event)
    JOIN calendar ON listing_id = (event ->> 'listing')::int;
$$;

SELECT slot_name FROM pg_create_logical_replication_slot('decoder_toast', 'availability_decoder');

-- Compressed: the second in its row, the third out of line.
ALTER TABLE calendar ALTER booked SET STORAGE extended;
INSERT INTO calendar SELECT listing_id, booked, 1, 'created' FROM sets ORDER BY listing_id;
SELECT listing_id, CASE WHEN size < 2000 THEN 'in its row' WHEN size < 8000 THEN 'compressed out of line' ELSE 'out of line' END AS stored
FROM calendar, pg_column_size(booked) AS size ORDER BY listing_id;
SELECT * FROM pg_temp.events();

-- Out of line as they are.
ALTER TABLE calendar ALTER booked SET STORAGE external;
TRUNCATE calendar;
INSERT INTO calendar SELECT listing_id, booked, 1, 'created' FROM sets ORDER BY listing_id;
SELECT * FROM pg_temp.events();

-- An update that leaves the calendar where it is does not bring it along.
UPDATE calendar SET version = 2 WHERE listing_id = 3;
SELECT * FROM pg_temp.events();
UPDATE calendar SET booked = booked OPERATOR(availability.+) daterange '[2026-01-01,2026-01-05)', change = 'updated' WHERE listing_id = 3;
SELECT * FROM pg_temp.events();

SELECT pg_drop_replication_slot('decoder_toast');
DROP SCHEMA decoder_toast CASCADE;
