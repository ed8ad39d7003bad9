#!/usr/bin/env bash
# The GiST index over calendars beside one on the place alone and beside datemultirange: building, size, changes, searches by place
# and stay, and what penalty and picksplit earn.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=5

start_bench "autovacuum = off" "max_parallel_workers_per_gather = 0" "maintenance_work_mem = 64MB" "random_page_cost = 1.1"
sql -f "$bench/index.sql"

# --- building ---
for ((round = 0; round < rounds; round++)); do
    sql -c "SET client_min_messages = warning" -c "DROP INDEX IF EXISTS booked, ranges"
    echo "dayset $(milliseconds "CREATE INDEX booked ON homes USING gist (booked)")"
    echo "datemultirange $(milliseconds "CREATE INDEX ranges ON homes_ranges USING gist (ranges)")"
done >"$scratch/times"
echo "build of an index over 200,000 calendars, $rounds rounds, median"
print_medians datemultirange ms <"$scratch/times"
{ echo "dayset $(value "SELECT pg_relation_size('booked') / 1024")"; echo "datemultirange $(value "SELECT pg_relation_size('ranges') / 1024")"; } >"$scratch/sizes"
echo "its size"
print_medians datemultirange kB <"$scratch/sizes"

# --- changes ---
for ((round = 0; round < rounds; round++)); do
    echo "dayset.insert $(milliseconds "INSERT INTO homes SELECT id, place, booked FROM more")"
    echo "datemultirange.insert $(milliseconds "INSERT INTO homes_ranges SELECT id, place, ranges FROM more")"
    echo "dayset.update $(milliseconds "UPDATE homes SET booked = booked OPERATOR(availability.+) daterange '[2026-07-01,2026-07-03)' WHERE id >= 900000")"
    echo "datemultirange.update $(milliseconds "UPDATE homes_ranges SET ranges = ranges + datemultirange(daterange '[2026-07-01,2026-07-03)') WHERE id >= 900000")"
    sql -c "DELETE FROM homes WHERE id >= 900000" -c "DELETE FROM homes_ranges WHERE id >= 900000" -c "VACUUM homes, homes_ranges"
done >"$scratch/times"
echo "20,000 rows inserted, then updated, $rounds rounds, median"
grep insert "$scratch/times" | print_medians datemultirange.insert ms
grep update "$scratch/times" | print_medians datemultirange.update ms

# --- searches ---
# Pages that a query touches, in tables and in indexes, and its milliseconds.
touched() {
    sql -A -t -c "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) $1" | awk '
        /"Shared (Hit|Read) Blocks"/ && !top { gsub(/[^0-9]/, ""); pages += $0; if (++n == 2) top = 1 }
        /"Execution Time"/ { gsub(/[^0-9.]/, ""); time = $0 }
        /"Exact Heap Blocks"/ { gsub(/[^0-9]/, ""); heap = $0 }
        END { print pages, time, heap }'
}
sql -c "DROP INDEX booked, ranges" -c "CREATE INDEX homes_place ON homes USING gist (place)" \
    -c "CREATE INDEX homes_ranges_both ON homes_ranges USING gist (place, ranges)" -c "VACUUM (FREEZE, ANALYZE) homes" -c "VACUUM (FREEZE, ANALYZE) homes_ranges"
sql -c "CREATE TABLE homes_both AS TABLE homes" -c "CREATE INDEX homes_both_both ON homes_both USING gist (place, booked)" -c "VACUUM (FREEZE, ANALYZE) homes_both"
echo "searches by place and stay: pages in all, of them of the table, and median ms of 9; (place, booked) beside (place) with a filter and beside (place, ranges)"
printf '  %-22s %24s %24s %24s\n' "" "(place, booked)" "(place), filter" "(place, ranges)"
for side in 0.0316 0.1 0.316; do
    for stay in "[2026-07-04,2026-07-05)" "[2026-07-04,2026-07-11)" "[2026-07-04,2026-08-01)" "[2026-05-01,2026-09-01)"; do
        where="place <@ box(point(0.3, 0.3), point(0.3 + $side, 0.3 + $side))"
        line=
        for query in "FROM homes_both WHERE $where AND availability.is_available(booked, '$stay')" \
            "FROM homes WHERE $where AND availability.is_available(booked, '$stay')" \
            "FROM homes_ranges WHERE $where AND NOT ranges && daterange '$stay'"; do
            for ((round = 0; round < 9; round++)); do
                touched "SELECT id $query"
            done | sort -k2,2g | awk 'NR == 5 { printf "%d %d %.2f;", $1, $3, $2 }'
        done >"$scratch/line"
        IFS=';' read -r a b c <"$scratch/line" || true
        printf '  %-6s %-24s %18s %18s %18s\n' "$side" "$stay" "$a" "$b" "$c"
    done
done

# --- what the splits earn ---
g++ -std=c++17 -O2 -fPIC -shared -I"$scratch/src" -isystem "$("$pg_config" --includedir-server)" "$bench/trivial_split.cpp" "$scratch/src/extension/dayset/type.o" "$scratch"/src/extension/core/*.o -lroaring -o "$scratch/trivial_split.so"
sql -c "SET search_path = public, availability" -c "
    CREATE FUNCTION trivial_split(internal, internal) RETURNS internal AS '$scratch/trivial_split.so', 'bench_trivial_split' LANGUAGE c STRICT;
    CREATE OPERATOR CLASS trivial_ops FOR TYPE dayset USING gist AS OPERATOR 2 && (dayset, anyrange), OPERATOR 4 !&& (dayset, anyrange),
        FUNCTION 1 dayset_gist_consistent(internal, dayset, smallint, oid, internal), FUNCTION 2 dayset_gist_union(internal, internal),
        FUNCTION 3 dayset_gist_compress(internal), FUNCTION 5 dayset_gist_penalty(internal, internal, internal),
        FUNCTION 6 trivial_split(internal, internal), FUNCTION 7 dayset_gist_same(dayset_key, dayset_key, internal), STORAGE dayset_key;
    CREATE TABLE grown (LIKE homes);
    CREATE TABLE grown_trivially (LIKE homes);
    CREATE INDEX grown_booked ON grown USING gist (booked);
    CREATE INDEX grown_trivially_booked ON grown_trivially USING gist (booked trivial_ops);
    INSERT INTO grown SELECT * FROM homes LIMIT 50000;
    INSERT INTO grown_trivially SELECT * FROM homes LIMIT 50000;"
echo "index pages that a search of 50,000 calendars reads, of an index that grew row by row: with our split, and with halves in order of arrival"
for condition in "&& daterange '[2026-07-04,2026-07-11)'" "!&& daterange '[2026-07-04,2026-07-11)'" "!&& daterange '[2026-05-01,2026-09-01)'" "&& daterange '[2026-01-01,2026-01-03)'"; do
    for table in grown grown_trivially; do
        sql -A -t -c "SET search_path = public, availability" -c "SET enable_seqscan = off" -c "SET enable_indexscan = off" \
            -c "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT id FROM $table WHERE booked $condition" |
            awk '/Bitmap Index Scan/ { inside = 1 } inside && /"Shared (Hit|Read) Blocks"/ { gsub(/[^0-9]/, ""); pages += $0; if (++n == 2) { print pages; exit } }'
    done | paste -sd ' ' | awk -v condition="$condition" '{ printf "  %-45s %6d %6d  %5.2f x\n", condition, $1, $2, $1 / $2 }'
done
sql -A -t -c "SELECT format('  pages of the index: %s and %s', pg_relation_size('grown_booked') / 8192, pg_relation_size('grown_trivially_booked') / 8192)"
