-- What the extension puts into the catalogs. Each of these queries finds faults: zero rows is right.

-- an object without a comment
SELECT pg_describe_object(classid, objid, objsubid) AS uncommented
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'availability')
  AND classid <> 'pg_namespace'::regclass
  -- nor types that come with another object, which are members from PostgreSQL 17 on
  AND NOT EXISTS (SELECT FROM pg_type WHERE classid = 'pg_type'::regclass AND oid = objid AND (typrelid <> 0 OR typelem <> 0))
  AND obj_description(objid, classid::regclass::text) IS NULL
ORDER BY 1;

-- The rest looks at what the extension owns of each kind.
CREATE TEMP VIEW member AS
SELECT classid, objid FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'availability');
CREATE TEMP VIEW functions AS SELECT p.* FROM pg_proc p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMP VIEW operators AS SELECT o.* FROM pg_operator o JOIN member ON classid = 'pg_operator'::regclass AND objid = o.oid;
SELECT (SELECT count(*) FROM functions) > 50 AS some_functions, (SELECT count(*) FROM operators) > 10 AS some_operators;

-- an object outside the schema
SELECT pg_describe_object(classid, objid, 0) AS elsewhere FROM member, LATERAL pg_identify_object(classid, objid, 0) AS o
WHERE o.schema <> 'availability' ORDER BY 1;

-- an operator with a built-in type on its left, or with one operand
SELECT oid::regoperator AS built_in_left FROM operators
WHERE oprleft <> 'availability.dayset'::regtype ORDER BY 1;

-- an operator whose commutator or negator does not point back or is not of the same types
SELECT o.oid::regoperator AS asymmetric FROM operators o LEFT JOIN pg_operator c ON c.oid = o.oprcom LEFT JOIN pg_operator n ON n.oid = o.oprnegate
WHERE c.oid IS NOT NULL AND (c.oprcom <> o.oid OR c.oprleft <> o.oprright OR c.oprright <> o.oprleft)
   OR n.oid IS NOT NULL AND (n.oprnegate <> o.oid OR n.oprleft <> o.oprleft OR n.oprright <> o.oprright)
ORDER BY 1;

-- a boolean operator without estimators, or an operator on a function that is not immutable and strict
SELECT o.oid::regoperator AS unestimated FROM operators o
WHERE oprresult = 'boolean'::regtype AND (oprrest = 0 OR oprjoin = 0) ORDER BY 1;
SELECT o.oid::regoperator AS unstable FROM operators o JOIN pg_proc p ON p.oid = o.oprcode
WHERE p.provolatile <> 'i' OR NOT p.proisstrict OR p.proparallel <> 's' ORDER BY 1;

-- a function in the place of one of pg_catalog
SELECT f.oid::regprocedure AS shadows FROM functions f JOIN pg_proc b ON b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = f.proname
WHERE b.proargtypes = f.proargtypes ORDER BY 1;

-- a C function about days alone that is not immutable and parallel safe
SELECT f.oid::regprocedure AS not_immutable FROM functions f JOIN pg_language l ON l.oid = f.prolang
WHERE l.lanname = 'c' AND ('availability.dayset'::regtype = ANY (f.proargtypes) OR f.prorettype = 'availability.dayset'::regtype)
  AND (f.provolatile <> 'i' OR f.proparallel <> 's') ORDER BY 1;

-- a cast that happens by itself, but to the type that booking functions alone take
SELECT castsource::regtype AS source, casttarget::regtype AS implicit_target FROM pg_cast JOIN member ON classid = 'pg_cast'::regclass AND objid = pg_cast.oid
WHERE castcontext <> 'e' AND casttarget <> 'availability.argument'::regtype ORDER BY 1::text, 2::text;
SELECT proname, count(*) FROM pg_proc WHERE 'availability.argument'::regtype = ANY (proargtypes) GROUP BY 1 ORDER BY 1;
SELECT count(*) AS operators FROM pg_operator WHERE 'availability.argument'::regtype IN (oprleft, oprright);

-- an aggregate that can't be parallel, or whose final function changes the state
SELECT a.aggfnoid AS aggregate FROM pg_aggregate a JOIN functions f ON f.oid = a.aggfnoid
WHERE f.proparallel <> 's' OR a.aggcombinefn = 0 OR a.aggserialfn = 0 OR a.aggdeserialfn = 0 OR a.aggfinalmodify <> 'r' ORDER BY 1::text;

-- an operator class that does not validate
SELECT opcname AS invalid FROM pg_opclass c JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid
WHERE NOT amvalidate(c.oid) ORDER BY 1;

-- The type itself.
SELECT typname, typlen, typbyval, typcategory, typispreferred, typalign, typstorage FROM pg_type WHERE oid = 'availability.dayset'::regtype;
SELECT amname, opcname, opcdefault FROM pg_opclass c JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid JOIN pg_am a ON a.oid = c.opcmethod
WHERE amname IN ('btree', 'hash') ORDER BY amname;
