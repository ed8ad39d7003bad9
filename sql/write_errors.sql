-- What a refused row says: SQLSTATE, constraint, table, detail; and what no row may claim.
SET client_min_messages = warning;
SET datestyle = 'German';
CREATE SCHEMA write_errors;
SET search_path = write_errors, public;
CREATE FUNCTION fields(statement text) RETURNS TABLE (state text, message text, detail text, at_schema text, at_table text, at_constraint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := 'none';
    RETURN NEXT;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        at_schema = SCHEMA_NAME, at_table = TABLE_NAME, at_constraint = CONSTRAINT_NAME;
    RETURN NEXT;
END
$$;

CREATE TABLE reservations (id int PRIMARY KEY, listing_id uuid, check_in date, check_out date, status text DEFAULT 'confirmed', guest text);
SELECT availability.track('reservations', active => $$status = 'confirmed'$$);
INSERT INTO reservations (id, listing_id, check_in, check_out, guest) VALUES
    (1, '11111111-1111-1111-1111-111111111111', '2027-05-01', '2027-05-03', 'Ada'),
    (2, '11111111-1111-1111-1111-111111111111', '2027-05-03', '2027-05-04', 'Bob'),
    (3, '11111111-1111-1111-1111-111111111111', '2027-05-06', '2027-05-09', 'Cleo');
-- every taken run of the request, and nothing of who took it
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2027-05-02', '2027-05-08')$$) \gx
-- of a longer stay only the days that are not its own
SELECT * FROM fields($$UPDATE reservations SET check_out = '2027-05-07' WHERE id = 1$$) \gx
-- reversed, unbounded, outside the supported days
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2027-06-08', '2027-06-02')$$) \gx
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2027-06-08', NULL)$$) \gx
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2027-06-08', 'infinity')$$) \gx
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '1969-12-31', '1970-01-02')$$) \gx
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2149-06-06', '2149-06-08')$$) \gx
-- the first and the last day
INSERT INTO reservations VALUES (5, '11111111-1111-1111-1111-111111111111', '1970-01-01', '1970-01-02'), (6, '11111111-1111-1111-1111-111111111111', '2149-06-06', '2149-06-07');
-- a stay is not looked at while the row is not active
INSERT INTO reservations VALUES (7, '11111111-1111-1111-1111-111111111111', '2027-06-08', '2027-06-02', 'enquiry'), (8, NULL, '2027-05-01', '2027-05-03', 'confirmed');
SELECT listing_id, booked FROM reservations_calendar ORDER BY listing_id;
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');

-- Without day rows it is the calendar's constraint.
SELECT availability.track('reservations', active => $$status = 'confirmed'$$, day_rows => false);
SELECT * FROM fields($$INSERT INTO reservations VALUES (4, '11111111-1111-1111-1111-111111111111', '2027-05-02', '2027-05-08')$$) \gx
SELECT * FROM availability.verify('reservations');
SELECT availability.untrack('reservations');
DROP SCHEMA write_errors CASCADE;
