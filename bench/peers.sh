# The pgbench scripts of the peers of peers.sql. Sourced.
#
# Client c books on the listings c + 1, c + 9, c + 17 …, each once in every 2,500 bookings and in a period of its own, so
# that every booking succeeds and all peers do the same work. pgbench keeps `done` from one booking to the next.

# Arguments: the peer, its nights.
booking_script() {
    local stay="date '2026-01-01' + :first::int, date '2026-01-01' + :first::int + :nights::int"
    cat <<END
\\set done :done + 1
\\set listing 1 + :client_id + 8 * mod(:done * 7919, 2500)
\\set first 8 + 24 * (:done / 2500)
\\set nights $2
END
    case $1 in
    tracked)
        echo "INSERT INTO tracked.reservations (listing_id, check_in, check_out) VALUES (:listing, $stay) RETURNING id;"
        ;;
    handwritten)
        echo "SELECT handwritten.book(:listing, $stay);"
        ;;
    esac
}
