-- A calendar whose page has no room for its next version goes to another page, under new index entries.

SET client_min_messages = warning;
CREATE TABLE full_page (id integer PRIMARY KEY, listing_id integer NOT NULL, stay daterange NOT NULL);
SELECT availability.track('full_page');

-- In one transaction no old version can be pruned, so that pages fill.
INSERT INTO full_page
    SELECT 100 * n + listing_id, listing_id, daterange(date '2026-01-01' + 2 * n, date '2026-01-01' + 2 * n + 1)
    FROM generate_series(0, 29) AS n CROSS JOIN generate_series(1, 50) AS listing_id
    ORDER BY n, listing_id;

SET enable_seqscan = off;
SELECT count(*) AS calendars, min(availability.booked_days(booked)), max(availability.booked_days(booked))
    FROM full_page_calendar WHERE listing_id BETWEEN 1 AND 50;
SELECT availability.booked_days(booked) FROM full_page_calendar WHERE listing_id = 50;
INSERT INTO full_page VALUES (9999, 50, '[2026-01-01,2026-01-02)');
RESET enable_seqscan;

SELECT * FROM availability.verify('full_page');

SELECT availability.untrack('full_page');
DROP TABLE full_page;
