#!/usr/bin/env bash
# The part of packages.sh that runs in the fresh system: /packages/old and /packages/new have the packages.

set -euo pipefail

log=/packages/log
step() {
    local title=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok - $title"
    else
        cat "$log"
        echo "not ok - $title"
        exit 1
    fi
}

sql() { setpriv --reuid postgres --regid postgres --init-groups psql -X -A -t -v ON_ERROR_STOP=1 -d app "$@"; }

# The query gives the line.
says() { [ "$(sql -c "$2")" = "$1" ] || { echo "'$2' gives '$(sql -c "$2" 2>&1)', not '$1'"; return 1; }; }

refuses() { ! sql -c "$1" 2>"$log.refused" && grep -q "$2" "$log.refused"; }

server() { pg_ctlcluster "$version" main "$@"; }

install() { apt-get install -q -y --no-install-recommends "$@"; }

files_left() { find / -xdev -name '*availability*' -not -path '/packages/*' -not -path '/proc/*' -not -path '/var/lib/postgresql/*' \
    -not -path '/var/cache/*' -not -path '/var/log/*'; }

nothing_left() { [ -z "$(files_left)" ] || { files_left; return 1; }; }

package=$(cd /packages/new && ls postgresql-*-availability_*.deb | head -n 1)
package=${package%%_*}
version=$(sed 's/[^0-9]//g' <<<"$package")

step "the index of packages is read" apt-get update -q
step "the old package and its server are installed" install "/packages/old/$package"_*.deb "postgresql-$version"
dpkg -l "$package" | tail -n 1
[ -d "/etc/postgresql/$version/main" ] || step "a cluster is made" pg_createcluster "$version" main
plugins=
! setpriv --reuid postgres --regid postgres --init-groups "/usr/lib/postgresql/$version/bin/postgres" --describe-config |
    grep '^output_plugin_libraries' >/dev/null || plugins="output_plugin_libraries = 'pgoutput, availability_decoder'"
printf '%s\n' "wal_level = logical" "$plugins" >>"/etc/postgresql/$version/main/postgresql.conf"
step "the cluster starts" server start
step "a database" setpriv --reuid postgres --regid postgres --init-groups createdb app
step "the old extension is created" sql -c "CREATE EXTENSION availability"
old=$(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'availability'")
step "a table is tracked" sql -c "
    CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
    SELECT availability.track('reservations');
    INSERT INTO reservations VALUES (1, 1, '[2027-01-01,2027-01-05)')"
step "events are decoded" sql -c "SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')" \
    -c "INSERT INTO reservations VALUES (2, 2, '[2027-01-01,2027-01-05)')"

step "the new package is installed over it" install "/packages/new/$package"_*.deb
dpkg -l "$package" | tail -n 1
step "the server is restarted" server restart
step "the new library works with the old catalog" says 1 "WITH b AS (INSERT INTO reservations VALUES (3, 3, '[2027-01-01,2027-01-05)') RETURNING 1) SELECT * FROM b"
step "the extension is updated" sql -c "ALTER EXTENSION availability UPDATE"
step "it is not $old any more" says t "SELECT extversion <> '$old' AND extversion = (SELECT default_version FROM pg_available_extensions e WHERE e.name = extname)
    FROM pg_extension WHERE extname = 'availability'"
step "a booking" sql -c "INSERT INTO reservations VALUES (4, 1, '[2027-01-05,2027-01-09)')"
step "a double booking is refused" refuses "INSERT INTO reservations VALUES (5, 1, '[2027-01-08,2027-01-12)')" "listing 1 is already booked"
step "verify finds nothing" says 0 "SELECT count(*) FROM availability.verify('reservations')"
step "every event is there" says 3 "SELECT count(*) FROM pg_logical_slot_get_changes('cache', NULL, NULL)"

step "untrack, drop slot and extension" sql -c "SELECT availability.untrack('reservations')" -c "SELECT pg_drop_replication_slot('cache')" -c "DROP EXTENSION availability"
step "the package is removed" apt-get remove -q -y "$package"
step "its files are gone" nothing_left
step "the table is as it was" sql -c "INSERT INTO reservations VALUES (5, 1, '[2027-01-08,2027-01-12)')"
step "the new package is installed anew" install "/packages/new/$package"_*.deb
step "and purged" apt-get purge -q -y "$package"
step "its files are gone again" nothing_left

relay=(/packages/new/availability-relay_*.deb)
if [ -f "${relay[0]}" ]; then
    step "the relay's package is installed" install "${relay[0]}"
    step "its user is there" id availability-relay
    step "its program runs" availability-relay --help
    step "its settings are for its group alone" sh -c '[ "$(stat -c "%U %G %a" /etc/availability-relay/relay.toml)" = "root availability-relay 640" ]'
    step "its settings are sound" setpriv --reuid availability-relay --regid availability-relay --init-groups availability-relay --check --config /etc/availability-relay/relay.toml
    unit=/usr/lib/systemd/system/availability-relay.service
    step "its unit is there" test -f "$unit"
    as_relay=(setpriv --reuid availability-relay --regid availability-relay --init-groups env AVAILABILITY_RELAY_REDIS_NODES=)
    is_ready() { exec 3<>/dev/tcp/127.0.0.1/9187 && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && grep -q '^HTTP/1.. 200' <&3; }
    becomes_ready() { for _ in $(seq 200); do ! (is_ready) 2>/dev/null || return 0; sleep 0.1; done; return 1; }
    step "the extension is there for it" install "/packages/new/$package"_*.deb
    step "a table is tracked for it" sql -c "CREATE EXTENSION availability; SELECT availability.track('reservations')"
    step "so are its role and its schema" sql -c 'CREATE ROLE "availability-relay" LOGIN REPLICATION' \
        -c 'GRANT SELECT ON reservations_calendar TO "availability-relay"' \
        -c 'CREATE SCHEMA availability_relay AUTHORIZATION "availability-relay"'
    mkdir -p /var/lib/availability-relay && chown availability-relay: /var/lib/availability-relay
    step "it makes its slot as its user, without a sink" "${as_relay[@]}" availability-relay bootstrap --config /etc/availability-relay/relay.toml
    # The command line of the unit.
    read -ra command < <(sed -n 's/^ExecStart=//p' "$unit")
    "${as_relay[@]}" "${command[@]}" >"$log.relay" 2>&1 &
    step "it runs as the unit has it" becomes_ready
    kill -TERM $!
    step "and ends in order" wait $!
    step "its slot and the extension go" sql -c "SELECT pg_drop_replication_slot('availability_relay')" \
        -c "SELECT availability.untrack('reservations')" -c "DROP EXTENSION availability"
    rm -r /var/lib/availability-relay
    step "the extension's package is purged" apt-get purge -q -y "$package"
    step "the relay is removed" apt-get remove -q -y availability-relay
    step "and purged" apt-get purge -q -y availability-relay
    step "its files are gone" nothing_left
fi

service=(/packages/new/availability-service_*.deb)
if [ -f "${service[0]}" ]; then
    step "the service's package is installed" install "${service[0]}"
    step "its user is there" id availability-service
    step "its program runs" availability-service --help
    file=/etc/availability-service/service.toml
    step "its settings are for its group alone" sh -c '[ "$(stat -c "%U %G %a" '"$file"')" = "root availability-service 640" ]'
    as_service=(setpriv --reuid availability-service --regid availability-service --init-groups env AVAILABILITY_SERVICE_REDIS_NODES=
        AVAILABILITY_SERVICE_READER_MODE=database AVAILABILITY_SERVICE_READER_CANARY=database)
    step "its settings are sound" "${as_service[@]}" availability-service --check --config "$file"
    unit=/usr/lib/systemd/system/availability-service.service
    step "its unit is there" test -f "$unit"
    step "the extension is there for it" install "/packages/new/$package"_*.deb
    step "a table is tracked for it" sql -c "CREATE EXTENSION availability; SELECT availability.track('reservations')" \
        -c 'CREATE ROLE "availability-service" LOGIN' -c 'GRANT SELECT ON reservations_calendar TO "availability-service"'
    service_is_ready() { exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n' >&3 && grep -q '^HTTP/1.. 200' <&3; }
    service_becomes_ready() { for _ in $(seq 200); do ! (service_is_ready) 2>/dev/null || return 0; sleep 0.1; done; return 1; }
    # The command line of the unit.
    read -ra command < <(sed -n 's/^ExecStart=//p' "$unit")
    "${as_service[@]}" "${command[@]}" >"$log.service" 2>&1 &
    step "it runs as the unit has it" service_becomes_ready
    kill -TERM $!
    step "and ends in order" wait $!
    step "the table is let go of" sql -c "SELECT availability.untrack('reservations')" -c "DROP EXTENSION availability"
    step "the extension's package is purged" apt-get purge -q -y "$package"
    step "the service is removed" apt-get remove -q -y availability-service
    step "and purged" apt-get purge -q -y availability-service
    step "its files are gone" nothing_left
fi
server stop
