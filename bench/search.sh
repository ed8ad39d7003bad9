#!/usr/bin/env bash
# Set search among LISTINGS listings (a million unless the environment says otherwise), beside scans of calendars: of datemultirange, as
# people write it, and of dayset. Then what the sets cost: room, bookings, folds.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=7
listings=${LISTINGS:-1000000}
# As in a session that has searched before.
warm_milliseconds() {
    sql -c '\timing on' -c "$1" -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1
}
stay() { echo "daterange(CURRENT_DATE + 100, CURRENT_DATE + 100 + $1)"; }

start_bench "max_parallel_workers_per_gather = 0" "autovacuum = off"
sql -f "$bench/calendars.sql"
sql -v listings="$listings" -f "$bench/search.sql" >/dev/null
sql -c "CREATE TABLE peer AS SELECT listing_id, booked::datemultirange AS ranges FROM reservations_calendar" -c "VACUUM (FREEZE, ANALYZE) peer"
echo "filling the sets: $(milliseconds "SELECT availability.index_sets('reservations')") ms"
sql -c "VACUUM (FREEZE, ANALYZE) reservations_set" -c "VACUUM ANALYZE reservations_calendar"
sql -c "CREATE TABLE market_sets AS SELECT market, availability.listing_set_agg(ordinal) AS listings FROM homes JOIN reservations_calendar ON listing_id = id GROUP BY market"
value "SELECT format('their size: %s MB, %s bytes a listing and year', pg_total_relation_size('reservations_set') / 1000000,
    round(pg_total_relation_size('reservations_set') * 365.0 / 540 / $listings, 1))"

for ((round = 0; round < rounds; round++)); do
    for nights in 1 7 28; do
        echo "$nights.sets $(warm_milliseconds "SELECT availability.count_free('reservations', $(stay $nights))")"
        echo "$nights.dayset $(warm_milliseconds "SELECT count(*) FROM reservations_calendar WHERE availability.is_available(booked, $(stay $nights))")"
        echo "$nights.datemultirange $(warm_milliseconds "SELECT count(*) FROM peer WHERE NOT ranges && $(stay $nights)")"
    done
done >"$scratch/times"
for nights in 1 7 28; do
    echo "how many of $listings are free for $nights nights, $rounds rounds, median; the ratio is to datemultirange"
    grep "^$nights\." "$scratch/times" | print_medians "$nights.datemultirange" ms
done

measure_searches() {
    for ((round = 0; round < rounds; round++)); do
        echo "count_free.28 $(warm_milliseconds "SELECT availability.count_free('reservations', $(stay 28))")"
        echo "any_5_in_30 $(warm_milliseconds "SELECT availability.count(availability.free_set('reservations', $(stay 30), 5))")"
        echo "best_starts.5_in_30 $(warm_milliseconds "SELECT max(free) FROM availability.best_starts('reservations', $(stay 30), 5)")"
        echo "calendar_heat.365 $(warm_milliseconds "SELECT max(open) FROM availability.calendar_heat('reservations', $(stay 365))")"
        echo "free_listings.market $(warm_milliseconds "SELECT count(*) FROM availability.free_listings('reservations', $(stay 7), (SELECT listings FROM market_sets WHERE market = 7))")"
        echo "twenty_by_price $(warm_milliseconds "SELECT h.id, h.price FROM homes h JOIN reservations_calendar c ON c.listing_id = h.id
            WHERE h.market = 7 AND h.sleeps >= 4 AND availability.free_set('reservations', $(stay 7)) OPERATOR(availability.@>) c.ordinal ORDER BY h.price LIMIT 20")"
    done
}
echo "other searches, $rounds rounds, median"
measure_searches | print_medians count_free.28 ms

# Bookings of four nights where the listing has them, one each of so many listings.
book_many() {
    sql -c "INSERT INTO reservations (listing_id, stay)
        SELECT listing_id, daterange(lower(gap), lower(gap) + 4)
        FROM (SELECT listing_id, availability.next_gap(booked, CURRENT_DATE + 100 + ordinal % 200, 4) AS gap
              FROM reservations_calendar WHERE ordinal % ($listings / $1) = $2) AS g WHERE gap IS NOT NULL"
}
book_many 20000 1
echo "the same with $(value "SELECT count(*) FROM reservations_delta") listings in the delta"
measure_searches | print_medians count_free.28 ms
echo "fold of those: $(milliseconds "SELECT availability.fold('reservations')") ms"
book_many 100000 2
before=$(value "SELECT pg_current_wal_lsn()")
echo "fold of $(value "SELECT count(*) FROM reservations_delta") bookings: $(milliseconds "SELECT availability.fold('reservations')") ms, $(value "SELECT pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), '$before'))") of WAL"
echo "fold of nothing: $(milliseconds "SELECT availability.fold('reservations')") ms"

# Two alike, one with sets. Each client has listings of its own, so that all bookings succeed; `hot` books ten listings, and cancels at once.
for table in plain indexed; do
    sql -c "CREATE SCHEMA $table" -c "CREATE TABLE $table.reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange)" \
        -c "INSERT INTO $table.reservations (listing_id, stay) SELECT n, daterange(CURRENT_DATE, CURRENT_DATE + 1) FROM generate_series(1, 20000) AS n" \
        -c "SELECT availability.track('$table.reservations', sets => $([ $table = indexed ] && echo true || echo false))" >/dev/null
    cat >"$scratch/$table.spread" <<END
\\set listing 1 + random(0, 2499) * 8 + :client_id
\\set day 2 + random(0, 500)
INSERT INTO $table.reservations (listing_id, stay) VALUES (:listing, daterange(CURRENT_DATE + :day::int, CURRENT_DATE + :day::int + 2))
    RETURNING id \\gset
DELETE FROM $table.reservations WHERE id = :id;
END
    cat >"$scratch/$table.hot" <<END
\\set listing random(1, 10)
\\set day 2 + :client_id * 60 + random(0, 50)
INSERT INTO $table.reservations (listing_id, stay) VALUES (:listing, daterange(CURRENT_DATE + :day::int, CURRENT_DATE + :day::int + 2))
    RETURNING id \\gset
DELETE FROM $table.reservations WHERE id = :id;
END
done
for kind in spread hot; do
    for commit in off on; do
        for ((round = 1; round <= 5; round++)); do
            for table in plain indexed; do
                PGOPTIONS="-c synchronous_commit=$commit" pgbench -n -c 8 -j 2 -M prepared -T 4 --random-seed="$round" -f "$scratch/$table.$kind" \
                    >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
                sed -n "s/^tps = \([0-9.]*\) .*/$table \1/p" "$scratch/pgbench.log"
            done
            sql -c "SELECT availability.fold('indexed.reservations')" -c "VACUUM indexed.reservations_delta" >/dev/null
        done >"$scratch/tps"
        echo "a booking and its cancellation per second, 8 clients, $kind listings, synchronous_commit = $commit, median"
        print_medians plain tps <"$scratch/tps"
    done
done
