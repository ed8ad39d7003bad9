-- The type dayset: a set of days within 1970-01-01 to 2149-06-06, one Roaring container.

CREATE TYPE availability.dayset;

CREATE FUNCTION availability.dayset_in(cstring) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_in(cstring) IS
    'reads the text form of a day set';

CREATE FUNCTION availability.dayset_out(availability.dayset) RETURNS cstring
    AS 'MODULE_PATHNAME', 'availability_dayset_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_out(availability.dayset) IS
    'writes the text form of a day set';

CREATE FUNCTION availability.dayset_recv(internal) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_recv(internal) IS
    'reads the binary form of a day set, a portable Roaring bitmap';

CREATE FUNCTION availability.dayset_send(availability.dayset) RETURNS bytea
    AS 'MODULE_PATHNAME', 'availability_dayset_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_send(availability.dayset) IS
    'writes the binary form of a day set, a portable Roaring bitmap';

CREATE TYPE availability.dayset (
    INPUT = availability.dayset_in,
    OUTPUT = availability.dayset_out,
    RECEIVE = availability.dayset_recv,
    SEND = availability.dayset_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended,
    CATEGORY = 'U'
);
COMMENT ON TYPE availability.dayset IS
    'set of days from 1970-01-01 to 2149-06-06, such as {[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}';
