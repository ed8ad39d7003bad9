-- availability: from 0.1 to 0.2, run by ALTER EXTENSION availability UPDATE
\echo Use "ALTER EXTENSION availability UPDATE" to load this file. \quit

-- Tables that are tracked get the companions of the booking functions with the first call of one.
ALTER TABLE availability.tracked
    ADD COLUMN hold    regclass,
    ADD COLUMN request regclass;
COMMENT ON COLUMN availability.tracked.cancel IS 'argument of track; what <table>_cancel does';
COMMENT ON COLUMN availability.tracked.hold IS 'companion: days that are held for a while; NULL until the first, for a table that was tracked under 0.1';
COMMENT ON COLUMN availability.tracked.request IS 'companion: idempotency keys and their answers; NULL as hold is';

