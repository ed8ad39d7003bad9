-- What is wrong with the server and the tracked tables, one row a finding, with the exact line that mends it.
CREATE OR REPLACE FUNCTION availability.doctor(OUT subject text, OUT finding text, OUT remedy text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000 ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- not for everybody to see
    plugins text := CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('output_plugin_libraries', true) END;
BEGIN
    IF current_setting('wal_level') <> 'logical' THEN
        RETURN QUERY SELECT 'wal_level', format('is %s: no slot can be made', current_setting('wal_level')),
            'ALTER SYSTEM SET wal_level = ''logical'';  -- then restart the server';
    END IF;
    IF plugins IS NOT NULL AND NOT 'availability_decoder' = ANY (regexp_split_to_array(
           translate(plugins, '"', ''), '\s*,\s*')) THEN
        RETURN QUERY SELECT 'output_plugin_libraries', 'does not list availability_decoder: no slot can use it',
            format('ALTER SYSTEM SET output_plugin_libraries = %s;  -- then SELECT pg_reload_conf();',
                   concat_ws(', ', nullif(plugins, ''), 'availability_decoder'));
    END IF;

    RETURN QUERY
        SELECT format('slot %s', s.slot_name),
            CASE WHEN s.wal_status = 'lost' THEN 'has lost WAL that its consumer needed: start it anew'
                 ELSE format('has no consumer and holds %s of WAL',
                             pg_size_pretty(pg_wal_lsn_diff(h.lsn, s.restart_lsn))) END,
            format('SELECT pg_drop_replication_slot(%L);', s.slot_name)
        FROM pg_replication_slots s
            CROSS JOIN LATERAL (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                            ELSE pg_current_wal_lsn() END AS lsn) h
        WHERE s.plugin = 'availability_decoder'
            AND (s.wal_status = 'lost'
                 OR NOT s.active AND pg_wal_lsn_diff(h.lsn, s.restart_lsn) > 1024 * 1024 * 1024::numeric);
    RETURN QUERY
        SELECT 'max_slot_wal_keep_size', 'is unlimited: a slot without a consumer can fill the disk',
            'ALTER SYSTEM SET max_slot_wal_keep_size = ''64GB'';  -- then SELECT pg_reload_conf();'
        WHERE current_setting('max_slot_wal_keep_size') = '-1'
            AND EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'availability_decoder');

    RETURN QUERY
        SELECT 'extension availability',
            format('is at version %s while the installed library has %s', e.extversion, a.default_version),
            'ALTER EXTENSION availability UPDATE;'
        FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
        WHERE e.extname = 'availability' AND e.extversion <> a.default_version;

    -- A regclass of a table that is gone prints as its number.
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'was dropped; its settings, and perhaps companions, are left',
            format('SELECT availability.untrack(%s::oid::regclass);', t.reservations::oid)
        FROM availability.tracked t
        WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations),
            'its settings name other objects than its companions: untrack leaves those as they are',
            format('SELECT availability.untrack(%L);', t.reservations)
        FROM availability.tracked t
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = t.reservations)
            AND EXISTS (SELECT FROM pg_class WHERE oid = t.claims)
            AND NOT EXISTS (SELECT FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                            WHERE r.ev_class = t.claims AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), format('its companion %s is gone', c.kind),
            CASE WHEN c.kind IN ('month', 'open') THEN format('SELECT availability.retrack(%L);', t.reservations)
                 WHEN c.kind IN ('set', 'delta')
                     THEN format('SELECT availability.unindex_sets(%L);  -- then availability.index_sets again', t.reservations)
                 ELSE format('SELECT availability.untrack(%L);  -- then availability.track again', t.reservations) END
        FROM availability.tracked t
            CROSS JOIN LATERAL (VALUES ('calendar', t.calendar), ('day', t.day), ('month', t.month_view),
                                       ('open', t.open_view), ('claims', t.claims), ('hold', t.hold),
                                       ('request', t.request), ('set', t.sets), ('delta', t.delta)) c (kind, relation)
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = t.reservations)
            AND c.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = c.relation);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'its companion cancel is gone: nothing can be cancelled by a function',
            format('SELECT availability.retrack(%L, cancel => %L);', t.reservations, t.cancel)
        FROM availability.tracked t JOIN pg_class r ON r.oid = t.reservations JOIN pg_class k ON k.oid = t.calendar
        WHERE t.cancel IS NOT NULL
            AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                            WHERE p.prosqlbody IS NOT NULL AND p.prorettype = 'int4'::regtype AND p.proretset
                                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.reservations);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations), 'is suspended: no row can be written',
            format('SELECT availability.retrack(%L);', t.reservations)
        FROM availability.tracked t JOIN pg_class c ON c.oid = t.claims AND c.relkind = 'v'
        WHERE NOT EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                          WHERE w.ev_class = c.oid AND d.refclassid = 'pg_class'::regclass
                              AND d.refobjid = t.reservations AND d.refobjsubid > 0);
    RETURN QUERY
        SELECT format('tracked table %s', t.reservations),
            format('has the child %s, whose rows claim no days', i.inhrelid::regclass),
            format('ALTER TABLE %s NO INHERIT %s;', i.inhrelid::regclass, t.reservations)
        FROM availability.tracked t JOIN pg_class c ON c.oid = t.reservations AND c.relkind = 'r'
            JOIN pg_inherits i ON i.inhparent = c.oid
        ORDER BY 2;

    -- What a restore brings without its settings, and what an earlier version left behind.
    RETURN QUERY
        SELECT format('table %s', c.oid::regclass),
            'has the triggers of a tracked table but no settings, as a restore without the extension''s data has: no row can be written',
            CASE WHEN v.reads_columns THEN format('SELECT availability.retrack(%L);', c.oid::regclass)
                 ELSE format('SELECT availability.untrack(%L);  -- then availability.track again', c.oid::regclass) END
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
            -- a table that was renamed keeps the names of its companions
            LEFT JOIN LATERAL (SELECT bool_or(d.refobjsubid > 0) AS reads_columns
                               FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
                               WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                                   AND v.relkind = 'v' AND v.relname LIKE '%\_claims'
                               GROUP BY v.oid, v.relname
                               ORDER BY v.relname <> c.relname || '_claims' LIMIT 1) v ON true
        WHERE g.tgfoid = 'availability.claim_changed()'::regprocedure AND g.tgparentid = 0
            AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.reservations = c.oid)
        ORDER BY 1;
    RETURN QUERY
        WITH calendars AS (
            SELECT k.oid, k.relname, k.relnamespace, k.relowner, left(k.relname, -length('_calendar')) AS prefix
            FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid
            WHERE k.relkind = 'r' AND k.relname LIKE '%\_calendar' AND NOT a.attisdropped
                AND a.attname IN ('listing_id', 'ordinal', 'version', 'change', 'reservation_id', 'stay', 'was')
                AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.calendar = k.oid)
            GROUP BY 1, 2, 3 HAVING count(*) = 7),
        leftovers AS (
            SELECT k.*, c.oid AS reservations,
                EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'availability.claim_changed()'::regprocedure) AS has_trigger,
                (SELECT string_agg(o.oid::regclass::text, ', ' ORDER BY o.relname)
                 FROM pg_class o
                     JOIN (VALUES ('_calendar', '{listing_id,ordinal,version,change,reservation_id,stay,was}'::name[]),
                                  ('_day', '{listing_id,day,reservation_id}'), ('_hold', '{hold_id,listing_id,stay,expires_at}'),
                                  ('_request', '{key,request,reservation_id,version,expires_at}'),
                                  ('_set', '{day,block,listings}'), ('_delta', '{version,ordinal,booked}')) s (ending, columns)
                         ON o.relname = k.prefix || s.ending
                 -- what anybody put under such a name beside it is not what he advises to drop
                 WHERE o.relnamespace = k.relnamespace AND o.relkind = 'r' AND o.relowner = k.relowner
                    AND (SELECT count(*) FROM pg_attribute a
                         WHERE a.attrelid = o.oid AND NOT a.attisdropped AND a.attname = ANY (s.columns)) = cardinality(s.columns)) AS tables
            FROM calendars k
                LEFT JOIN LATERAL (SELECT c.oid FROM pg_class c
                                   WHERE c.relkind IN ('r', 'p')
                                       AND (c.relnamespace = k.relnamespace AND c.relname = k.prefix
                                            OR EXISTS (SELECT FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
                                                           JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                                                       WHERE v.relnamespace = k.relnamespace AND v.relname = k.prefix || '_claims'
                                                           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid))
                                   ORDER BY c.relname <> k.prefix LIMIT 1) c ON true)
        SELECT CASE WHEN l.reservations IS NOT NULL THEN format('table %s', l.reservations::regclass)
                    ELSE format('companion %s', l.oid::regclass) END,
            CASE WHEN l.reservations IS NOT NULL THEN 'is not tracked; companions of an earlier tracking are left'
                 ELSE 'was left by a tracked table that is gone' END,
            CASE WHEN l.reservations IS NOT NULL THEN format('SELECT availability.untrack(%L);', l.reservations::regclass)
                 ELSE format('DROP TABLE %s CASCADE;', l.tables) END
        FROM leftovers l WHERE NOT l.has_trigger
        ORDER BY 1;
    RETURN QUERY
        SELECT format('table %s', g.tgrelid::regclass), format('trigger %I serves no tracked table', g.tgname),
            format('DROP TRIGGER %I ON %s;', g.tgname, g.tgrelid::regclass)
        FROM pg_trigger g
        WHERE g.tgfoid = 'availability.listing_changed()'::regprocedure AND g.tgparentid = 0
            AND NOT EXISTS (SELECT FROM availability.tracked t
                            WHERE t.listings = g.tgrelid
                                AND g.tgname IN (t.listings_trigger, regexp_replace(t.listings_trigger, 'listing$', 'truncate')::name,
                                                 regexp_replace(t.listings_trigger, 'listing$', 'rekey')::name))
            -- retrack adopts them
            AND NOT EXISTS (SELECT FROM pg_constraint f JOIN pg_trigger c ON c.tgrelid = f.conrelid
                            WHERE f.contype = 'f' AND f.confrelid = g.tgrelid
                                AND c.tgfoid = 'availability.claim_changed()'::regprocedure
                                AND NOT EXISTS (SELECT FROM availability.tracked t WHERE t.reservations = f.conrelid))
        ORDER BY 1, 2;
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass), format('belongs to another role than %s', t.reservations),
            format('ALTER TABLE %s OWNER TO %I;', c.oid::regclass, r.relowner::regrole::name)
        FROM availability.tracked t
            JOIN pg_class r ON r.oid = t.reservations
            JOIN pg_class c ON c.oid IN (t.calendar, t.day, t.month_view, t.open_view, t.claims, t.hold, t.request, t.sets, t.delta)
                AND c.relowner <> r.relowner
        ORDER BY 1;
    RETURN QUERY
        SELECT format('companion %s', c.oid::regclass),
            format('%s may write it: only the triggers should',
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END),
            format('REVOKE %s ON %s FROM %s;', a.privilege_type, c.oid::regclass,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM availability.tracked t
            JOIN pg_class c ON c.oid IN (t.calendar, t.day, t.hold, t.request, t.sets, t.delta)
            CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND a.grantee <> c.relowner
        ORDER BY 1, 2;

    RETURN QUERY
        SELECT format('table %s', w.relation),
            format('trigger %I is %s', w.name, CASE WHEN g.oid IS NULL THEN 'missing' ELSE 'disabled' END),
            format('SELECT availability.repair(%L);', w.reservations)
        FROM (SELECT t.reservations, p.relid AS relation, '_availability_claim'::name AS name
              FROM availability.tracked t
                  -- pg_partition_tree() would wait for whoever has locked a partition
                  CROSS JOIN LATERAL (WITH RECURSIVE tree AS (
                          SELECT t.reservations::oid AS relid
                          UNION SELECT i.inhrelid FROM tree JOIN pg_class c ON c.oid = tree.relid AND c.relkind = 'p'
                                    JOIN pg_inherits i ON i.inhparent = tree.relid)
                      SELECT relid::regclass FROM tree) p
              UNION ALL
              SELECT t.reservations, t.reservations, '_availability_truncate' FROM availability.tracked t
              UNION ALL
              SELECT t.reservations, t.listings, n FROM availability.tracked t
                  CROSS JOIN LATERAL unnest(ARRAY[t.listings_trigger,
                      regexp_replace(t.listings_trigger, 'listing$', 'truncate')::name,
                      regexp_replace(t.listings_trigger, 'listing$', 'rekey')::name]) n
              WHERE t.listings IS NOT NULL
              UNION ALL
              SELECT t.reservations, t.calendar, n FROM availability.tracked t
                  CROSS JOIN LATERAL unnest(ARRAY['_availability_sets', '_availability_sets_truncate']::name[]) n
              WHERE t.sets IS NOT NULL) w
            LEFT JOIN pg_trigger g ON g.tgrelid = w.relation AND g.tgname = w.name
        WHERE EXISTS (SELECT FROM pg_class WHERE oid = w.relation)
            AND (g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A'))
        ORDER BY 1, 2;

    -- Searches read the delta row by row: 20,000 listings in it cost them a few milliseconds.
    RETURN QUERY
        SELECT format('table %s', t.reservations),
            format('%s changes of calendars wait to be written into the sets: searches get slower', n),
            format('SELECT availability.fold(%L);  -- or every minute by pg_cron', t.reservations)
        FROM availability.tracked t
            CROSS JOIN LATERAL pg_stat_get_live_tuples(t.delta) n
        WHERE n >= 20000
        ORDER BY 1;
    RETURN QUERY
        SELECT format('table %s', t.reservations), 'its sets are not filled: each search reads all calendars',
            format('SELECT availability.fold(%L);', t.reservations)
        FROM availability.tracked t
        -- nobody's lock keeps the others waiting
        WHERE CASE WHEN NOT EXISTS (SELECT FROM pg_locks l
                                    WHERE l.locktype = 'relation' AND l.relation = t.sets AND l.mode = 'AccessExclusiveLock'
                                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                        AND l.pid <> pg_backend_pid())
                   THEN pg_relation_size(t.sets) = 0 END
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION availability.doctor() IS
    'what is wrong with the server and the tracked tables: one row a finding, with the exact line that mends it';
