-- The set operators of dayset. A dayset stands on the left of each: an operator with a built-in type there would
-- take part in the resolution of other people's queries.
--
-- A range on the right is declared anyrange and checked at run time to be a daterange. Declared as daterange it would
-- match exactly, and `'[2026-01-01,2026-01-05)' && stay` on a plain daterange would read the literal
-- as a dayset wherever availability is on the search path.

CREATE FUNCTION availability.dayset_contains(availability.dayset, date) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains_day' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, date) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = date,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, date) IS 'is the day in the set? An infinite or unsupported day is not';

CREATE FUNCTION availability.dayset_contains(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, anyrange) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, anyrange) IS 'are all days of the range in the set?';

CREATE FUNCTION availability.dayset_contains(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_contains' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_contains(availability.dayset, availability.dayset) IS
    'implementation of @> operator';
CREATE OPERATOR availability.@> (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_contains,
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.@> (availability.dayset, availability.dayset) IS 'are all days of the right set in the left one?';

CREATE FUNCTION availability.dayset_overlaps(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_overlaps_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_overlaps(availability.dayset, anyrange) IS
    'implementation of && operator';
CREATE FUNCTION availability.dayset_disjoint(availability.dayset, anyrange) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_disjoint_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_disjoint(availability.dayset, anyrange) IS
    'implementation of !&& operator';
CREATE OPERATOR availability.&& (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_overlaps,
    NEGATOR = OPERATOR(availability.!&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.&& (availability.dayset, anyrange) IS 'is any day of the range in the set?';

CREATE OPERATOR availability.!&& (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_disjoint,
    NEGATOR = OPERATOR(availability.&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.!&& (availability.dayset, anyrange) IS 'is no day of the range in the set?';

CREATE FUNCTION availability.dayset_overlaps(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_overlaps' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_overlaps(availability.dayset, availability.dayset) IS
    'implementation of && operator';
CREATE FUNCTION availability.dayset_disjoint(availability.dayset, availability.dayset) RETURNS boolean
    AS 'MODULE_PATHNAME', 'availability_dayset_disjoint' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_disjoint(availability.dayset, availability.dayset) IS
    'implementation of !&& operator';
CREATE OPERATOR availability.&& (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_overlaps,
    COMMUTATOR = OPERATOR(availability.&&),
    NEGATOR = OPERATOR(availability.!&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.&& (availability.dayset, availability.dayset) IS 'have the sets a day in common?';

CREATE OPERATOR availability.!&& (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_disjoint,
    COMMUTATOR = OPERATOR(availability.!&&),
    NEGATOR = OPERATOR(availability.&&),
    RESTRICT = availability.dayset_sel,
    JOIN = availability.dayset_joinsel
);
COMMENT ON OPERATOR availability.!&& (availability.dayset, availability.dayset) IS 'have the sets no day in common?';

CREATE FUNCTION availability.dayset_union(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_union_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_union(availability.dayset, anyrange) IS
    'implementation of + operator';
CREATE OPERATOR availability.+ (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_union
);
COMMENT ON OPERATOR availability.+ (availability.dayset, anyrange) IS 'the set with the days of the range';

CREATE FUNCTION availability.dayset_union(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_union' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_union(availability.dayset, availability.dayset) IS
    'implementation of + operator';
CREATE OPERATOR availability.+ (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_union,
    COMMUTATOR = OPERATOR(availability.+)
);
COMMENT ON OPERATOR availability.+ (availability.dayset, availability.dayset) IS 'the days of either set';

CREATE FUNCTION availability.dayset_minus(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_minus_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_minus(availability.dayset, anyrange) IS
    'implementation of - operator';
CREATE OPERATOR availability.- (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_minus
);
COMMENT ON OPERATOR availability.- (availability.dayset, anyrange) IS 'the set without the days of the range';

CREATE FUNCTION availability.dayset_minus(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_minus' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_minus(availability.dayset, availability.dayset) IS
    'implementation of - operator';
CREATE OPERATOR availability.- (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_minus
);
COMMENT ON OPERATOR availability.- (availability.dayset, availability.dayset) IS 'the days of the left set that are not in the right one';

CREATE FUNCTION availability.dayset_intersect(availability.dayset, anyrange) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_intersect_range' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_intersect(availability.dayset, anyrange) IS
    'implementation of * operator';
CREATE OPERATOR availability.* (
    LEFTARG = availability.dayset, RIGHTARG = anyrange,
    FUNCTION = availability.dayset_intersect
);
COMMENT ON OPERATOR availability.* (availability.dayset, anyrange) IS 'the days of the set that are in the range';

CREATE FUNCTION availability.dayset_intersect(availability.dayset, availability.dayset) RETURNS availability.dayset
    AS 'MODULE_PATHNAME', 'availability_dayset_intersect' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION availability.dayset_intersect(availability.dayset, availability.dayset) IS
    'implementation of * operator';
CREATE OPERATOR availability.* (
    LEFTARG = availability.dayset, RIGHTARG = availability.dayset,
    FUNCTION = availability.dayset_intersect,
    COMMUTATOR = OPERATOR(availability.*)
);
COMMENT ON OPERATOR availability.* (availability.dayset, availability.dayset) IS 'the days of both sets';
