# The pgbench scripts of the peers of peers.sql. Sourced.
#
# Of n clients, c books on the listings c + 1, c + 1 + n, c + 1 + 2n …, one after the other and then again in the next period, so
# that every booking succeeds and all peers do the same work. pgbench keeps `done` from one booking to the next.

# Arguments: the peer, its nights, the number of clients, the first of its periods.
booking_script() {
    local stay="date '2026-01-01' + :first::int, date '2026-01-01' + :first::int + :nights::int"
    local listings=$((20000 / $3))
    cat <<END
\\set done :done + 1
\\set listing 1 + :client_id + $3 * mod(:done * 7919, $listings)
\\set first 8 + 24 * ($4 + (:done - 1) / $listings)
\\set nights $2
END
    case $1 in
    bare | tracked | lean | excluding)
        echo "INSERT INTO $1.reservations (listing_id, check_in, check_out) VALUES (:listing, $stay) RETURNING id;"
        ;;
    handwritten | multirange | roaring)
        echo "SELECT $1.book(:listing, $stay);"
        ;;
    book)
        echo "SELECT availability.book('tracked.reservations', :listing::bigint, daterange($stay));"
        ;;
    book_once)
        echo "SELECT availability.book('tracked.reservations', :listing::bigint, daterange($stay), '$4/$3/' || :client_id || '/' || :done);"
        ;;
    esac
}
