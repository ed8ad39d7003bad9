-- What the owner puts on companions runs as the owner, whoever books, holds, releases, replays, deletes or verifies: a booker
-- needs no right on it, and a superuser lends it none.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE ROLE regress_owner;
CREATE ROLE regress_booker;
CREATE ROLE regress_super SUPERUSER;
CREATE SCHEMA door_scope;
GRANT ALL ON SCHEMA door_scope TO regress_owner;
GRANT USAGE ON SCHEMA door_scope TO regress_booker;
SET search_path = door_scope, availability;
-- Whoever runs code of the owner's is written down.
CREATE TABLE ran (place text, as_user name);
GRANT INSERT ON ran TO PUBLIC;

SET ROLE regress_owner;
CREATE FUNCTION note(place text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO door_scope.ran VALUES (place, current_user);
    RETURN true;
END
$$;
CREATE FUNCTION noted(value anyelement, place text) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM door_scope.note(place);
    RETURN value;
END
$$;
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM door_scope.note(TG_WHEN || ' trigger on ' || TG_TABLE_NAME);
    RETURN coalesce(NEW, OLD);
END
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA door_scope FROM PUBLIC;
CREATE TABLE listings (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, listing_id int REFERENCES listings ON DELETE CASCADE, stay daterange);
SELECT availability.track('t');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON t, listings TO regress_booker;
RESET ROLE;

-- What a role does; all of it touches every companion.
CREATE PROCEDURE use_everything(by_role name) LANGUAGE plpgsql AS $$
DECLARE
    hold uuid;
    key text := gen_random_uuid();
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', by_role);
    INSERT INTO listings SELECT generate_series(1, 3);
    INSERT INTO t VALUES (1, 1, '[2027-01-01,2027-01-04)'), (2, 2, '[2027-01-01,2027-01-04)');
    -- Off their pages, so that indexes get new entries.
    FOR day IN 1..60 LOOP
        INSERT INTO t VALUES (100 + day, 1, daterange(date '2028-01-01' + day * 3, date '2028-01-02' + day * 3));
    END LOOP;
    UPDATE t SET stay = '[2027-01-02,2027-01-07)' WHERE id = 1;
    UPDATE t SET listing_id = 3 WHERE id = 1;
    PERFORM availability.book('t', 1, '[2027-02-01,2027-02-03)', key, '{"id": 3}');
    PERFORM availability.book('t', 1, '[2027-02-01,2027-02-03)', key, '{"id": 3}');
    hold := availability.hold('t', 1, '[2027-03-01,2027-03-03)');
    PERFORM availability.release(hold);
    hold := availability.hold('t', 1, '[2027-03-01,2027-03-03)');
    PERFORM availability.confirm('t', hold, '{"id": 4}');
    hold := availability.hold('t', 1, '[2027-04-01,2027-04-03)', '1 millisecond');
    PERFORM pg_sleep(0.01);
    INSERT INTO t VALUES (5, 1, '[2027-04-01,2027-04-04)');
    PERFORM availability.sweep('t');
    DELETE FROM t WHERE id = 2;
    DELETE FROM listings WHERE id = 3;
    TRUNCATE t;
    DELETE FROM listings;
    RESET ROLE;
END
$$;

SET ROLE regress_owner;
CREATE INDEX ON t_calendar (noted(version, 'index expression on t_calendar'));
CREATE INDEX ON t_calendar (version) WHERE noted(version, 'index predicate on t_calendar') > 0;
CREATE INDEX ON t_calendar ((noted(1, 'constant in an index on t_calendar') + listing_id));
CREATE INDEX ON t_day (noted(day, 'index expression on t_day'));
CREATE INDEX ON t_day (day) WHERE noted(day, 'index predicate on t_day') IS NOT NULL;
CREATE INDEX ON t_hold (noted(stay, 'index expression on t_hold'));
CREATE INDEX ON t_request (noted(version, 'index expression on t_request'));
RESET ROLE;
CALL use_everything('regress_booker');
CALL use_everything('regress_super');
SELECT place, string_agg(DISTINCT as_user, ', ') AS as_user FROM ran GROUP BY place ORDER BY place;

TRUNCATE ran;
SET ROLE regress_owner;
ALTER TABLE t_calendar ADD CHECK (noted(version, 'check on t_calendar') > 0),
    ADD computed bigint GENERATED ALWAYS AS (noted(version, 'generated column of t_calendar')) STORED;
ALTER TABLE t_day ADD CHECK (noted(day, 'check on t_day') IS NOT NULL), ADD by_default int DEFAULT noted(1, 'default on t_day') NOT NULL;
ALTER TABLE t_hold ADD CHECK (noted(stay, 'check on t_hold') IS NOT NULL);
ALTER TABLE t_request ADD CHECK (noted(version, 'check on t_request') > 0);
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON t_calendar FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON t_day FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON t_hold FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON t_request FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON t_calendar FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON t_day FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TRIGGER statement AFTER TRUNCATE ON t_day EXECUTE FUNCTION trap();
CREATE POLICY policy ON t_calendar USING (noted(listing_id, 'policy on t_calendar') < 0);
CREATE POLICY policy ON t_hold USING (noted(listing_id, 'policy on t_hold') < 0);
ALTER TABLE t_calendar ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE t_hold ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
RESET ROLE;
CALL use_everything('regress_booker');
CALL use_everything('regress_super');
SELECT place, string_agg(DISTINCT as_user, ', ') AS as_user FROM ran WHERE place !~ 'index' GROUP BY place ORDER BY place;
SELECT DISTINCT as_user FROM ran;

-- The view of claims is its owner's too: what comes with the server but runs what it is told, a function that looks like the
-- server's, a type of his own.
TRUNCATE ran;
SET ROLE regress_owner;
CREATE OR REPLACE VIEW t_claims AS SELECT listing_id AS listing, id AS key,
    CASE WHEN query_to_xml('SELECT door_scope.note(''query_to_xml in t_claims'')', true, true, '') IS NULL THEN NULL ELSE stay END AS stay FROM ONLY t;
RESET ROLE;
SET ROLE regress_booker;
INSERT INTO listings VALUES (1);
INSERT INTO t VALUES (1, 1, '[2027-01-01,2027-01-04)');
SET ROLE regress_super;
INSERT INTO t VALUES (2, 1, '[2027-01-04,2027-01-05)');
SELECT c.* FROM t, t_claim(t) AS c ORDER BY c.key;
SELECT count(*) FROM availability.verify('t');
SELECT availability.repair('t');
SET ROLE regress_owner;
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION pair_eq(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT door_scope.note('equality of pairs in t_claims')$$;
CREATE OPERATOR = (FUNCTION = pair_eq, LEFTARG = pair, RIGHTARG = pair);
CREATE DOMAIN checked AS daterange CHECK (door_scope.noted(VALUE, 'domain in t_claims') IS NOT NULL);
CREATE OR REPLACE VIEW t_claims AS SELECT listing_id AS listing, id AS key,
    (CASE WHEN (id, 1)::pair = (id, 1)::pair THEN stay::checked END)::daterange AS stay FROM ONLY t;
SET ROLE regress_super;
INSERT INTO t VALUES (3, 1, '[2027-01-05,2027-01-06)');
RESET ROLE;
SELECT place, string_agg(DISTINCT as_user, ', ') AS as_user FROM ran GROUP BY place ORDER BY place;
-- What a row holds is told to those who may read the table.
CREATE ROLE regress_nobody;
GRANT USAGE ON SCHEMA door_scope TO regress_nobody;
SET ROLE regress_nobody;
SELECT * FROM availability.claim(ROW(9, 9, '[2027-01-05,2027-01-06)')::t) AS c (listing int, key int, stay daterange);
RESET ROLE;

-- A table that got another owner alone: the view of claims and the companions act as the old one until they follow.
SET ROLE regress_owner;
CREATE OR REPLACE VIEW t_claims AS SELECT listing_id AS listing, noted(id, 'key in t_claims') AS key, stay FROM ONLY t;
RESET ROLE;
TRUNCATE ran;
ALTER TABLE t OWNER TO regress_super;
INSERT INTO t VALUES (4, 1, '[2027-01-06,2027-01-07)');
DELETE FROM listings;
GRANT SELECT ON t TO regress_owner;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE door_scope.t SET id = id WHERE id = NEW.id; RETURN NULL; END$$;
CREATE TRIGGER touch AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO listings VALUES (1);
SELECT reservation_id FROM availability.book('t', 1, '[2027-02-01,2027-02-03)', attributes => '{"id": 5}');
SELECT availability.verify('t');
SELECT availability.repair('t');
SELECT availability.retrack('t');
SELECT DISTINCT as_user FROM ran;

DROP SCHEMA door_scope CASCADE;
DROP ROLE regress_owner, regress_booker, regress_super, regress_nobody;
