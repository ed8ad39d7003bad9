-- Row security: a hold needs a row that the caller could insert, and an answer is for who may see its reservation.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA booking_row_security;
SET search_path = booking_row_security;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_booker;
CREATE ROLE regress_rls_other;
CREATE ROLE regress_rls_bypass BYPASSRLS;
CREATE ROLE regress_rls_inserter;
GRANT USAGE, CREATE ON SCHEMA booking_row_security TO regress_rls_owner;
GRANT USAGE ON SCHEMA booking_row_security TO PUBLIC;
CREATE FUNCTION state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID'), nullif(hint, ''));
END
$$;
-- What becomes of a booking and of a hold of the same row; nothing stays of either.
CREATE FUNCTION outcomes(reservations text, listing text, attributes jsonb DEFAULT '{}', stay daterange DEFAULT '[2027-01-01,2027-01-03)') RETURNS TABLE (book text, hold text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        book := booking_row_security.state_of(format('SELECT availability.book(%L, %L, %L, attributes => %L)', reservations, listing, stay, attributes));
        RAISE 'undo';
    EXCEPTION WHEN raise_exception THEN
    END;
    BEGIN
        hold := booking_row_security.state_of(format('SELECT availability.hold(%L, %L, %L, attributes => %L)', reservations, listing, stay, attributes));
        RAISE 'undo';
    EXCEPTION WHEN raise_exception THEN
    END;
    IF hold = book THEN hold := 'the same'; END IF;
    RETURN NEXT;
END
$$;

SET ROLE regress_rls_owner;
CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, guest name NOT NULL DEFAULT current_user, tenant text DEFAULT current_setting('app.tenant', true),
    nights int GENERATED ALWAYS AS (upper(stay) - lower(stay)) STORED, note text, paid boolean NOT NULL DEFAULT false);
SELECT availability.track('reservations');
GRANT SELECT, INSERT, UPDATE, DELETE ON reservations TO regress_rls_booker, regress_rls_other, regress_rls_bypass;
GRANT INSERT (listing_id, stay) ON reservations TO regress_rls_inserter;
CREATE TABLE managers (listing_id int, manager name);
INSERT INTO managers VALUES (1, 'regress_rls_booker'), (2, 'regress_rls_other');
RESET ROLE;

-- columns without grant
SET ROLE regress_rls_inserter;
SELECT a, b.* FROM unnest(ARRAY['{}', '{"note": "x"}', '{"guest": "regress_rls_inserter"}', '{"unknown": 1}', '{"listing_id": 1}']::jsonb[]) AS a, LATERAL outcomes('reservations', '1', a) AS b;
RESET ROLE;
REVOKE INSERT (stay) ON reservations FROM regress_rls_inserter;
SET ROLE regress_rls_inserter;
SELECT * FROM outcomes('reservations', '1');
RESET ROLE;
GRANT INSERT (stay) ON reservations TO regress_rls_inserter;
-- a schema without grant
REVOKE USAGE ON SCHEMA booking_row_security FROM PUBLIC;
SET ROLE regress_rls_inserter;
DO $$
BEGIN
    PERFORM availability.hold(oid::regclass, 1, '[2027-01-01,2027-01-03)') FROM pg_class WHERE relname = 'reservations' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'booking_row_security');
END
$$;
RESET ROLE;
GRANT USAGE ON SCHEMA booking_row_security TO PUBLIC;

-- policies: permissive, restrictive, of other tables, of defaults, of settings, of generated columns
SET ROLE regress_rls_owner;
ALTER TABLE reservations ENABLE ROW LEVEL SECURITY;
RESET ROLE;
SET ROLE regress_rls_booker;
SELECT * FROM outcomes('reservations', '1');
RESET ROLE;
SET ROLE regress_rls_owner;
CREATE POLICY of_guest ON reservations USING (guest = current_user);
CREATE POLICY of_tenant ON reservations AS RESTRICTIVE FOR INSERT WITH CHECK (coalesce(tenant, 'none') <> 'closed');
RESET ROLE;
GRANT SELECT ON managers TO regress_rls_booker, regress_rls_other;
SET ROLE regress_rls_booker;
SELECT a, b.* FROM unnest(ARRAY['{}', '{"guest": "regress_rls_booker"}', '{"guest": "regress_rls_other"}', '{"guest": null}', '{"tenant": "closed"}', '{"tenant": "closed", "guest": "x"}']::jsonb[]) AS a,
    LATERAL outcomes('reservations', '1', a) AS b;
SET app.tenant = 'closed';
SELECT * FROM outcomes('reservations', '1');
SET app.tenant = 'open';
SELECT * FROM outcomes('reservations', '1');
-- a constraint is not the hold's: what it asks for may be unknown still
SELECT * FROM outcomes('reservations', '1', '{"paid": null}');
RESET ROLE;
SET ROLE regress_rls_owner;
CREATE POLICY of_listing ON reservations AS RESTRICTIVE FOR INSERT WITH CHECK (EXISTS (SELECT FROM booking_row_security.managers m WHERE m.listing_id = reservations.listing_id AND manager = current_user));
CREATE POLICY of_nights ON reservations AS RESTRICTIVE FOR INSERT WITH CHECK (nights < 30);
RESET ROLE;
SET ROLE regress_rls_booker;
SELECT l, b.* FROM unnest('{1,2,3}'::text[]) AS l, LATERAL outcomes('reservations', l) AS b;
SELECT * FROM outcomes('reservations', '1', stay => '[2027-01-01,2027-01-31)');
SELECT * FROM outcomes('reservations', '1', stay => '[2027-01-01,2027-01-30)');
SET row_security = off;
SELECT * FROM outcomes('reservations', '1');
RESET row_security;
RESET ROLE;
SET ROLE regress_rls_bypass;
SELECT * FROM outcomes('reservations', '3');
RESET ROLE;
SET ROLE regress_rls_owner;
SELECT * FROM outcomes('reservations', '3');
ALTER TABLE reservations FORCE ROW LEVEL SECURITY;
SELECT * FROM outcomes('reservations', '3');
ALTER TABLE reservations NO FORCE ROW LEVEL SECURITY;
RESET ROLE;

-- nothing is written for a hold but the hold: no row, no page, no event of an AFTER trigger
SET ROLE regress_rls_owner;
CREATE TABLE log (note text);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = booking_row_security AS $$ BEGIN INSERT INTO log VALUES (TG_WHEN || ' ' || TG_LEVEL); RETURN NEW; END $$;
CREATE TRIGGER log_after AFTER INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE TRIGGER log_after_statement AFTER INSERT ON reservations EXECUTE FUNCTION log_it();
CREATE TRIGGER log_before BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION log_it();
RESET ROLE;
VACUUM (TRUNCATE) reservations;
SET ROLE regress_rls_booker;
SELECT availability.hold('reservations', 1, '[2027-02-01,2027-02-03)') IS NOT NULL AS held;
RESET ROLE;
SELECT pg_relation_size('reservations'), (SELECT count(*) FROM log), (SELECT count(*) FROM reservations_hold);
SELECT holder, listing_id, stay FROM reservations_hold;

-- triggers decide as they do for an INSERT
SET ROLE regress_rls_owner;
CREATE FUNCTION decide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE NEW.note
        WHEN 'refuse' THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'RF001';
        WHEN 'skip' THEN RETURN NULL;
        WHEN 'mine' THEN NEW.guest := current_user;
        WHEN 'other' THEN NEW.guest := 'regress_rls_other';
        WHEN 'missing' THEN INSERT INTO booking_row_security.managers VALUES (1, 'x');
        ELSE NULL;
    END CASE;
    RETURN NEW;
END
$$;
CREATE TRIGGER decide BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION decide();
RESET ROLE;
SET ROLE regress_rls_booker;
SELECT n, b.* FROM unnest('{refuse,skip,mine,other,missing}'::text[]) AS n, LATERAL outcomes('reservations', '1', jsonb_build_object('note', n, 'guest', 'x')) AS b;
RESET ROLE;
SELECT count(*) FROM log;
ALTER TABLE reservations DISABLE ROW LEVEL SECURITY;
SET ROLE regress_rls_booker;
SELECT n, b.* FROM unnest('{refuse,skip,other,missing}'::text[]) AS n, LATERAL outcomes('reservations', '1', jsonb_build_object('note', n, 'guest', 'x')) AS b;
RESET ROLE;
ALTER TABLE reservations ENABLE ROW LEVEL SECURITY;
-- in a transaction that goes on, with savepoints
SET ROLE regress_rls_booker;
BEGIN;
SELECT availability.hold('reservations', 1, '[2027-03-01,2027-03-03)') IS NOT NULL AS held;
SAVEPOINT s;
SELECT availability.hold('reservations', 2, '[2027-03-01,2027-03-03)');
ROLLBACK TO s;
SELECT availability.hold('reservations', 1, '[2027-03-03,2027-03-05)') IS NOT NULL AS held;
SELECT availability.book('reservations', 1, '[2027-03-05,2027-03-07)') IS NOT NULL AS booked;
COMMIT;
RESET ROLE;
SELECT stay FROM reservations_hold ORDER BY 1;
SELECT count(*) FROM availability.verify('reservations');

-- rules, partitions
SET ROLE regress_rls_owner;
CREATE TABLE ruled (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, note text);
SELECT availability.track('ruled');
ALTER TABLE ruled ENABLE ROW LEVEL SECURITY;
CREATE POLICY short ON ruled USING (note IS DISTINCT FROM 'x');
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO booking_row_security.log VALUES ('rule');
GRANT INSERT ON ruled TO regress_rls_booker;
CREATE TABLE years (id int, listing_id int, check_in date, check_out date, PRIMARY KEY (id, check_in)) PARTITION BY RANGE (check_in);
CREATE TABLE years_2027 (check_out date, gone int, listing_id int, check_in date NOT NULL, id int NOT NULL);
ALTER TABLE years_2027 DROP COLUMN gone;
ALTER TABLE years ATTACH PARTITION years_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
SELECT availability.track('years', key => 'id');
GRANT INSERT ON years TO regress_rls_booker;
RESET ROLE;
SET ROLE regress_rls_booker;
SELECT n, b.* FROM unnest('{x,y}'::text[]) AS n, LATERAL outcomes('ruled', '1', jsonb_build_object('note', n)) AS b;
SELECT s, b.* FROM unnest('{"[2027-12-30,2028-01-02)","[2028-12-30,2029-01-02)"}'::daterange[]) AS s, LATERAL outcomes('years', '1', '{"id": 1}', s) AS b;
RESET ROLE;
ALTER TABLE years ENABLE ROW LEVEL SECURITY;
SET ROLE regress_rls_booker;
SELECT * FROM outcomes('years', '1', '{"id": 1}', '[2027-01-01,2027-01-02)');
RESET ROLE;
CREATE POLICY even ON years USING (id % 2 = 0 AND check_out < '2027-06-01');
SET ROLE regress_rls_booker;
SELECT a, b.* FROM unnest('{1,2}'::int[]) AS a, LATERAL outcomes('years', '1', jsonb_build_object('id', a), '[2027-01-01,2027-01-02)') AS b;
SELECT availability.hold('years', 1, '[2027-01-01,2027-01-02)', attributes => '{"id": 2}') IS NOT NULL AS held;
RESET ROLE;
CREATE RULE instead AS ON INSERT TO ruled DO INSTEAD NOTHING;
SET ROLE regress_rls_booker;
SELECT * FROM outcomes('ruled', '1');
RESET ROLE;

-- answers are for who sees the reservation
SET ROLE regress_rls_owner;
CREATE TABLE tenants (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange, tenant text DEFAULT current_setting('app.tenant', true), status text DEFAULT 'confirmed');
SELECT availability.track('tenants', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants USING (tenant = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE ON tenants TO regress_rls_booker;
GRANT INSERT ON tenants TO regress_rls_inserter;
RESET ROLE;
SET ROLE regress_rls_booker;
SET app.tenant = 'a';
SELECT reservation_id, replayed FROM availability.book('tenants', 1, '[2027-01-01,2027-01-03)', 'key');
SELECT reservation_id, replayed FROM availability.book('tenants', 1, '[2027-01-01,2027-01-03)', 'key');
SELECT reservation_id, replayed FROM availability.move('tenants', 1, '[2027-01-02,2027-01-04)', 'move');
SET app.tenant = 'b';
SELECT state_of($$SELECT availability.book('tenants', 1, '[2027-01-01,2027-01-03)', 'key')$$);
SELECT state_of($$SELECT availability.move('tenants', 1, '[2027-01-02,2027-01-04)', 'move')$$);
SET app.tenant = 'a';
SELECT reservation_id, replayed FROM availability.cancel('tenants', 1, 'cancel');
SELECT reservation_id, replayed FROM availability.cancel('tenants', 1, 'cancel');
SELECT reservation_id, replayed FROM availability.book('tenants', 1, '[2027-01-01,2027-01-03)', 'key');
SET app.tenant = 'b';
SELECT state_of($$SELECT availability.cancel('tenants', 1, 'cancel')$$);
-- one that is gone has nothing to hide
RESET ROLE;
DELETE FROM tenants;
SET ROLE regress_rls_booker;
SET app.tenant = 'a';
SELECT reservation_id, replayed FROM availability.cancel('tenants', 1, 'cancel');
RESET ROLE;
-- who may not read is not answered under row security
SET ROLE regress_rls_inserter;
SELECT reservation_id, replayed FROM availability.book('tenants', 3, '[2027-01-01,2027-01-03)', 'key');
SELECT state_of($$SELECT availability.book('tenants', 3, '[2027-01-01,2027-01-03)', 'key')$$);
RESET ROLE;
SELECT booker, key FROM tenants_request ORDER BY 1, 2;
SELECT count(*) FROM availability.verify('tenants');

DROP SCHEMA booking_row_security CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
DROP ROLE regress_rls_owner, regress_rls_booker, regress_rls_other, regress_rls_bypass, regress_rls_inserter;
