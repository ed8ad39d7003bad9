-- The same table twice: tracked, and under an exclusion constraint. attempt() books a stay, or answers 0 if it is taken or
-- the server asks to try again.

CREATE EXTENSION btree_gist;
CREATE SCHEMA tracked;
CREATE SCHEMA excluding;

CREATE TABLE tracked.reservations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id bigint NOT NULL,
    stay daterange NOT NULL
);
CREATE TABLE excluding.reservations (LIKE tracked.reservations INCLUDING ALL);

SELECT availability.track('tracked.reservations') \g /dev/null
ALTER TABLE excluding.reservations ADD EXCLUDE USING gist (listing_id WITH =, stay WITH &&);

CREATE FUNCTION tracked.attempt(listing bigint, wanted daterange) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    reservation bigint;
BEGIN
    INSERT INTO tracked.reservations (listing_id, stay) VALUES (listing, wanted) RETURNING id INTO reservation;
    RETURN reservation;
EXCEPTION WHEN unique_violation OR serialization_failure OR deadlock_detected THEN
    RETURN 0;
END $$;

CREATE FUNCTION excluding.attempt(listing bigint, wanted daterange) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    reservation bigint;
BEGIN
    INSERT INTO excluding.reservations (listing_id, stay) VALUES (listing, wanted) RETURNING id INTO reservation;
    RETURN reservation;
EXCEPTION WHEN exclusion_violation OR serialization_failure OR deadlock_detected THEN
    RETURN 0;
END $$;
