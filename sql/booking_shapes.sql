-- Whose holds and keys are is written in companions, which their owner may alter: a clear error, or it is put right.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE ROLE regress_shapes_owner;
CREATE ROLE regress_shapes_booker;
CREATE SCHEMA booking_shapes AUTHORIZATION regress_shapes_owner;
SET search_path = booking_shapes;
GRANT USAGE ON SCHEMA booking_shapes TO PUBLIC;
SET ROLE regress_shapes_owner;
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
SELECT availability.track('t');
GRANT SELECT, INSERT ON t TO regress_shapes_booker;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% runs as %', TG_OP, current_user; RETURN NULL; END $$;
RESET ROLE;
-- What becomes of three calls of a booker's after its owner has altered a companion; nothing stays of it.
CREATE FUNCTION after_alteration(alteration text) RETURNS TABLE (call text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    calls text[] := ARRAY['book', $c$SELECT replayed FROM availability.book('t', 1, '[2027-01-01,2027-01-03)', 'key')$c$, 'hold', $c$SELECT availability.release(availability.hold('t', 2, '[2027-01-01,2027-01-03)'))$c$,
        'expire', $c$SELECT availability.expire_keys('t')$c$];
BEGIN
    FOR n IN 1 .. 3 LOOP
        call := calls[2 * n - 1];
        BEGIN
            SET LOCAL ROLE regress_shapes_owner;
            EXECUTE alteration;
            SET LOCAL ROLE regress_shapes_booker;
            EXECUTE calls[2 * n] INTO outcome;
            EXECUTE calls[2 * n] INTO outcome;
            RAISE SQLSTATE 'DONE0';
        EXCEPTION WHEN SQLSTATE 'DONE0' THEN
            outcome := 'done ' || outcome;
        WHEN others THEN
            outcome := SQLSTATE || ' ' || SQLERRM;
        END;
        RESET ROLE;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT a, b.* FROM unnest(ARRAY[
    'SELECT 1', 'ALTER TABLE t_hold DROP holder', 'ALTER TABLE t_hold ALTER holder DROP DEFAULT, ALTER holder TYPE int USING 1', 'ALTER TABLE t_hold ALTER holder DROP DEFAULT, ALTER holder TYPE text', 'ALTER TABLE t_hold RENAME holder TO role',
    'ALTER TABLE t_hold DROP holder, ADD holder name GENERATED ALWAYS AS (''x'') STORED', 'ALTER TABLE t_hold ADD CHECK (holder <> ''regress_shapes_booker'')', 'DROP TABLE t_hold', 'ALTER TABLE t_hold RENAME TO h; CREATE VIEW t_hold AS TABLE h',
    'ALTER TABLE t_request DROP booker', 'ALTER TABLE t_request DROP CONSTRAINT t_request_pkey, DROP booker, ADD CONSTRAINT other PRIMARY KEY (key)', 'ALTER TABLE t_request ALTER booker TYPE text', 
    'ALTER TABLE t_request DROP CONSTRAINT t_request_pkey, ADD PRIMARY KEY (key, booker)', 'ALTER TABLE t_request DROP CONSTRAINT t_request_pkey, ADD PRIMARY KEY (booker, key) INCLUDE (version)', 'ALTER TABLE t_request RENAME booker TO role', 'DROP TABLE t_request',
    'CREATE TRIGGER told AFTER INSERT OR DELETE ON t_request FOR EACH ROW EXECUTE FUNCTION told(); CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON t_hold FOR EACH ROW EXECUTE FUNCTION told()',
    'ALTER TABLE t_hold ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE t_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY']) AS a, LATERAL after_alteration(a) AS b;
SELECT count(*) FROM availability.verify('t');

-- the companions of 0.2 are brought up as their owner, by whoever comes first, whatever he may
SET ROLE regress_shapes_owner;
ALTER TABLE t_hold DROP holder;
ALTER TABLE t_request DROP booker, ADD CONSTRAINT t_request_pkey PRIMARY KEY (key);
RESET ROLE;
SET ROLE regress_shapes_booker;
SELECT replayed FROM availability.book('t', 1, '[2027-01-01,2027-01-03)', 'key');
RESET ROLE;
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('t_hold', 't_request', 't_request_pkey') ORDER BY 1;
-- an INSERT goes on beside companions of 0.2, and lets an expired hold of 0.2 go
SET ROLE regress_shapes_owner;
ALTER TABLE t_hold DROP holder;
INSERT INTO t_hold VALUES ('01a21237-e814-839e-999b-417affffffff', 3, '[2027-01-01,2027-01-03)', now() - interval '1 second');
SELECT availability.repair('t');
RESET ROLE;
SET ROLE regress_shapes_booker;
INSERT INTO t (listing_id, stay) VALUES (3, '[2027-01-02,2027-01-04)');
RESET ROLE;
SELECT count(*) FROM t_hold;
SELECT count(*) FROM availability.verify('t');

DROP SCHEMA booking_shapes CASCADE;
DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations);
DROP ROLE regress_shapes_owner, regress_shapes_booker;
