-- Reads a calendar file from standard input into calendar_day: one row a listing and day that the file names. Rows may
-- come in any order and more than once; a day is booked if any of its rows says so.
-- Variable: columns, the definitions of the file's columns.

CREATE UNLOGGED TABLE calendar_file (:columns);
\copy calendar_file FROM pstdin (FORMAT csv, HEADER)

CREATE UNLOGGED TABLE calendar_day AS
    SELECT listing_id::bigint, date::date AS day, bool_or(NOT available::boolean) AS booked
    FROM calendar_file
    GROUP BY 1, 2;
ALTER TABLE calendar_day ALTER booked SET NOT NULL, ADD PRIMARY KEY (listing_id, day);
DROP TABLE calendar_file;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM calendar_day) THEN
        RAISE EXCEPTION 'the calendar file has no rows';
    END IF;
END
$$;
ANALYZE calendar_day;
