#!/usr/bin/env bash
# The second stage of make demo: builds, starts the server, loads the calendar file and walks through the job.
# Its argument is the definitions of the file's columns; without one a calendar file is made.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the server refuses is part of the tour.
exec 2>&1

calendar=$scratch/calendar
columns=${1:-listing_id text, date text, available text}

client() {
    psql -X -q -v ON_ERROR_STOP=1 -d demo "$@"
}

echo "building the extension and the output plugin …"
copy_server
build_and_install with_llvm=no >"$scratch/build.log" 2>&1 || { cat "$scratch/build.log"; exit 1; }
start_server "max_wal_size = 256MB"
createdb demo
echo "a private $(postgres --version) runs in $scratch"

[ -f "$calendar" ] || client -f "$scratch/src/test/demo/generate.sql" -o "$calendar"
zcat -f "$calendar" | client -v columns="$columns" -f "$scratch/src/test/demo/load.sql"
rm "$calendar"
cd "$scratch/src/test/demo"
client <tour.sql
stop_server
